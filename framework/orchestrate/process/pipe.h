// File descriptors that close themselves, and lines read from them without blocking.
#pragma once

#include <optional>
#include <string>
#include <utility>

namespace mvn {

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Descriptor() { close(); }

  [[nodiscard]] int get() const { return number_; }
  [[nodiscard]] bool is_open() const { return number_ >= 0; }
  void close();

 private:
  int number_ = -1;
};

struct Pipe {
  Descriptor read;
  Descriptor write;
};

// Both ends are closed in every program that the runner starts.
Pipe make_pipe();
void set_nonblocking(const Descriptor& descriptor);

// What arrives on a descriptor, cut into lines.
class LineReader {
 public:
  // Takes what is there without waiting, and closes the descriptor at its end.
  void read_available(Descriptor& from);
  // The next complete line, without its end.
  std::optional<std::string> take_line();
  // What came after the last complete line; empties the buffer.
  std::string take_rest() { return std::exchange(buffer_, {}); }

 private:
  std::string buffer_;
};

}  // namespace mvn
