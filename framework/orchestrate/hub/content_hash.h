// The names of contents: SHA-256, and Git's SHA-1 of a blob.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "orchestrate/hub/listing.h"

namespace mvn {

class ContentHash {
 public:
  // As the hub names a file: by SHA-256 where `name` has its 64 digits, else by Git's SHA-1 of a
  // blob of so many bytes.
  ContentHash(const std::string& name, std::uint64_t size);
  ~ContentHash();
  ContentHash(const ContentHash&) = delete;
  ContentHash& operator=(const ContentHash&) = delete;

  void add(std::string_view bytes);
  std::string finish();  // in lower-case hexadecimal

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Hashes a file behind whoever writes it, in a thread of its own, and hands what it has read to the
// disk: at the end little is left to wait for.
class HashBehind {
 public:
  // Of the file that `descriptor` reads, which stays open until this is gone.
  HashBehind(std::filesystem::path file, int descriptor, const HubFile& wanted);
  ~HashBehind();  // gives up
  HashBehind(const HashBehind&) = delete;
  HashBehind& operator=(const HashBehind&) = delete;

  // So many bytes of the file are written.
  void advance(std::uint64_t written);
  // All of it is: it is to be hashed to its end and made durable.
  void end();
  [[nodiscard]] bool ready() const;
  // Once it is ready; throws what went wrong.
  [[nodiscard]] std::string hash() const;

 private:
  void run();
  void hash_file();
  // Waits for more than `done` bytes; how many there are, nothing new where they are all.
  std::uint64_t wait_for_more(std::uint64_t done);

  std::filesystem::path file_;
  int descriptor_;
  ContentHash content_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t written_ = 0;
  std::uint64_t wanted_ = 0;  // the thread sleeps until so much is written
  bool ended_ = false;
  bool given_up_ = false;
  bool ready_ = false;
  std::string hash_;
  std::exception_ptr error_;
  std::thread thread_;  // the last member: it uses all others
};

}  // namespace mvn
