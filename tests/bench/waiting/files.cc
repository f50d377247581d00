// Reads all files of a folder with io_uring, at most 64 at a time, and prints their number and size: files FOLDER.
#include <dirent.h>
#include <fcntl.h>
#include <liburing.h>

#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

namespace {

enum class Step : uint8_t { kOpen, kRead, kClose };

struct Job {
  Step step = Step::kOpen;
  int descriptor = -1;
  std::string name;
  char bytes[65536];
};

constexpr unsigned kAtATime = 64;

void prepare(io_uring& ring, Job& job) {
  io_uring_sqe* entry = io_uring_get_sqe(&ring);
  switch (job.step) {
    case Step::kOpen: io_uring_prep_openat(entry, AT_FDCWD, job.name.c_str(), O_RDONLY | O_CLOEXEC, 0); break;
    case Step::kRead: io_uring_prep_read(entry, job.descriptor, job.bytes, sizeof(job.bytes), -1); break;
    case Step::kClose: io_uring_prep_close(entry, job.descriptor); break;
  }
  io_uring_sqe_set_data(entry, &job);
}

}  // namespace

int main(int count, char** words) {
  if (count != 2) return 2;
  const std::string folder = words[1];
  std::vector<std::string> names;
  DIR* open = opendir(folder.c_str());
  if (open == nullptr) return 1;
  while (const dirent* entry = readdir(open)) {
    if (entry->d_name[0] != '.') names.push_back(folder + "/" + entry->d_name);
  }
  closedir(open);
  io_uring ring;
  if (io_uring_queue_init(kAtATime, &ring, 0) != 0) return 1;
  std::vector<Job> jobs(kAtATime);
  size_t next = 0;
  size_t running = 0;
  uint64_t bytes = 0;
  const auto begin = [&](Job& job) {
    if (next == names.size()) return;
    job.step = Step::kOpen;
    job.name = names[next++];
    prepare(ring, job);
    ++running;
  };
  for (Job& job : jobs) begin(job);
  while (running != 0) {
    io_uring_submit_and_wait(&ring, 1);
    io_uring_cqe* done = nullptr;
    while (io_uring_peek_cqe(&ring, &done) == 0) {
      Job& job = *static_cast<Job*>(io_uring_cqe_get_data(done));
      const int result = done->res;
      io_uring_cqe_seen(&ring, done);
      if (result < 0) return 1;
      switch (job.step) {
        case Step::kOpen:
          job.descriptor = result;
          job.step = Step::kRead;
          prepare(ring, job);
          break;
        case Step::kRead:
          bytes += static_cast<uint64_t>(result);
          if (result == 0) job.step = Step::kClose;
          prepare(ring, job);
          break;
        case Step::kClose:
          --running;
          begin(job);
          break;
      }
    }
  }
  std::printf("%zu files, %lu bytes\n", names.size(), bytes);
  return 0;
}
