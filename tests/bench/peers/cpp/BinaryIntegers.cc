#include "bench.h"

int main(int argc, char** argv) {
  return program(argc, argv, 1'000'000, [](Num n) {
    Num sum = kZero;
    while (n->tag != kEnd) {
      sum = add(sum, n);
      n = decr(n);
      clear_numbers_but(sum, n);
    }
    return show(sum);
  });
}
