// Shared libraries that are opened while the program runs. They stay open: what came out of one may
// hold pointers into its code.
#pragma once

#include <filesystem>
#include <string>

namespace mvn {

class Library {
 public:
  enum class Symbols {
    kOwn,     // found through this object alone
    kLazy,    // likewise, and functions are looked up when they are first called
    kGlobal,  // found by libraries that are opened later, too
  };
  explicit Library(const std::filesystem::path& file, Symbols symbols = Symbols::kOwn);

  [[nodiscard]] bool is_open() const { return handle_ != nullptr; }
  // Why it is not open, in the loader's words without the file's name.
  [[nodiscard]] const std::string& error() const { return error_; }

  // The address of `symbol`, as a pointer type; null where there is none.
  template <typename Pointer>
  [[nodiscard]] Pointer find(const char* symbol) const {
    return reinterpret_cast<Pointer>(address_of(symbol));
  }

 private:
  [[nodiscard]] void* address_of(const char* symbol) const;

  void* handle_ = nullptr;
  std::string error_;
};

// The file that this code or data was loaded from; empty where that is not known.
std::filesystem::path library_of(const void* address);

}  // namespace mvn
