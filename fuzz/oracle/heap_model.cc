// The model keeps nodes in a graph of its own, never moves and never frees them. A
// variable has a word and a node with the same meaning. Comparing walks both
// together.
//
// Tested by fuzz/tests/oracles_test.cc.
#include "fuzz/oracle/heap_model.h"

#include <fmt/format.h>

#include <deque>
#include <map>
#include <set>
#include <vector>

#include "gc/heap.h"

namespace fble {
namespace {

struct Node;
/// The meaning of a word: a packed word, or a node.
struct Meaning {
  Word packed = kUnitWord;
  Node* node = nullptr;
};
struct Node {
  Word header;
  std::vector<Meaning> fields;
};

class HeapCheck final : public RootReporter {
 public:
  HeapCheck(Choices& choices, const HeapOptions& options) : c_(choices), heap_(options), ap_(heap_.nursery_start()) {
    words_.assign(kVariables, kUnitWord);
    meanings_.resize(kVariables);
  }

  std::string run() {
    for (int step = 0; step < 5000 && !c_.exhausted(); ++step) {
      switch (c_.below(8)) {
        case 0: forget(); break;
        case 1: pack(); break;
        case 2: circle(); break;
        case 3: read_field(); break;
        case 4:
          if (c_.chance(10)) ap_ = heap_.collect_all(ap_, *this);
          break;
        default: make(); break;
      }
      if (step % 64 == 0 && !compare()) return problem_;
    }
    ap_ = heap_.collect_all(ap_, *this);
    compare();
    return problem_;
  }

 private:
  static constexpr size_t kVariables = 16;

  void report_roots(Collector& collector, bool) override { collector.visit_range(words_.data(), words_.size()); }
  size_t stack_bytes() const override { return 0; }

  size_t variable() { return c_.below(kVariables); }

  Word* room(size_t words) {
    if (static_cast<size_t>(heap_.limit() - ap_) < words || heap_.limit() < ap_) {
      Word* made = heap_.make_room(ap_, words, *this);
      if (made == nullptr) return nullptr;
      ap_ = made;
    }
    Word* memory = ap_;
    ap_ += words;
    return memory;
  }

  void forget() { set(variable(), kUnitWord, {}); }
  void pack() {
    const Word word = (Word{c_.below(65536)} << 1) | 1 | (Word{1} << 20);
    set(variable(), word, {word, nullptr});
  }
  void set(size_t at, Word word, Meaning meaning) {
    words_[at] = word;
    meanings_[at] = meaning;
  }

  uint32_t size() { return c_.chance(3) ? 1 + c_.below(3000) : 1 + c_.below(6); }

  void make() {
    const uint32_t count = size();
    Word* memory = room(object_words(count));
    if (memory == nullptr) return;
    auto* object = reinterpret_cast<Object*>(memory);
    const bool is_union = count == 1 && c_.chance(30);
    const uint32_t tag = c_.below(5);
    object->header = Object::make_header(is_union ? ObjectKind::kUnion : ObjectKind::kStruct, count, tag);
    Node& node = nodes_.emplace_back(Node{object->header, {}});
    const size_t first = variable();
    for (uint32_t i = 0; i < count; ++i) {
      const size_t from = i < 6 ? variable() : (first + i) % kVariables;
      object->fields[i] = words_[from];
      node.fields.push_back(meanings_[from]);
    }
    set(variable(), from_object(object), {0, &node});
  }

  /// Makes two objects that refer to each other. The first may be in the old space by the time the second is made.
  void circle() {
    const size_t a = variable();
    const size_t b = (a + 1) % kVariables;
    for (const size_t at : {a, b}) {
      Word* memory = room(object_words(2));
      if (memory == nullptr) return;
      auto* object = reinterpret_cast<Object*>(memory);
      object->header = Object::make_header(ObjectKind::kStruct, 2);
      object->fields[0] = make_placeholder(1);
      object->fields[1] = words_[(at + 5) % kVariables];
      Node& node =
          nodes_.emplace_back(Node{object->header, {{make_placeholder(1), nullptr}, meanings_[(at + 5) % kVariables]}});
      set(at, from_object(object), {0, &node});
      if (c_.chance(20)) ap_ = heap_.collect_all(ap_, *this);
    }
    for (const auto& [from, to] : {std::pair{a, b}, std::pair{b, a}}) {
      as_object(words_[from])->fields[0] = words_[to];
      meanings_[from].node->fields[0] = meanings_[to];
      heap_.remember(as_object(words_[from]));
    }
  }

  void read_field() {
    const size_t from = variable();
    if (meanings_[from].node == nullptr) return;
    const Node& node = *meanings_[from].node;
    const uint32_t field = c_.below(static_cast<uint32_t>(node.fields.size()));
    set(variable(), as_object(words_[from])->fields[field], node.fields[field]);
  }

  /// Returns whether words and model are the same graph: equal, and shared in the same
  /// places, except that equal objects may have become one.
  bool compare() {
    std::map<const Object*, const Node*> first;
    std::set<std::pair<const Object*, const Node*>> seen;
    const bool may_share = heap_.options().stress != 0 || heap_.options().share_from_bytes == 0;
    std::vector<std::pair<Word, Meaning>> open;
    for (size_t i = 0; i < kVariables; ++i) open.push_back({words_[i], meanings_[i]});
    while (!open.empty()) {
      const auto [word, meaning] = open.back();
      open.pop_back();
      if (meaning.node == nullptr) {
        if (word != meaning.packed) return found(fmt::format("{:#x} instead of {:#x}", word, meaning.packed));
        continue;
      }
      if (!is_pointer(word)) return found(fmt::format("{:#x} instead of an object", word));
      const Object* object = as_object(word);
      const Node* other = first.emplace(object, meaning.node).first->second;
      if (other != meaning.node && !may_share) return found("an object that is two in the model");
      if (!seen.emplace(object, meaning.node).second) continue;
      if (object->header != meaning.node->header) {
        return found(fmt::format("header {:#x} instead of {:#x}", object->header, meaning.node->header));
      }
      for (size_t i = 0; i < meaning.node->fields.size(); ++i)
        open.push_back({object->fields[i], meaning.node->fields[i]});
    }
    return true;
  }
  bool found(std::string problem) {
    problem_ = std::move(problem);
    return false;
  }

  Choices& c_;
  Heap heap_;
  Word* ap_;
  std::vector<Word> words_;
  std::vector<Meaning> meanings_;
  std::deque<Node> nodes_;
  std::string problem_;
};

}  // namespace

std::string check_heap(Choices& choices) {
  HeapOptions options;
  options.nursery_bytes = size_t{4096} << choices.below(5);
  options.stress = choices.chance(30) ? 1 + choices.below(20) : 0;
  options.stress_full_period = 1 + choices.below(8);
  options.verify = true;
  if (choices.chance(50)) options.share_from_bytes = 0;
  return HeapCheck(choices, options).run();
}

}  // namespace fble
