#include "train/sdk/library.h"

#include <dlfcn.h>

#include <boost/dll/runtime_symbol_info.hpp>
#include <boost/dll/shared_library.hpp>
#include <string_view>
#include <utility>
#include <vector>

namespace mvn {
namespace {

namespace dll = boost::dll;

dll::load_mode::type mode_of(const std::filesystem::path& file, Library::Symbols symbols) {
  auto mode = dll::load_mode::rtld_now | dll::load_mode::rtld_local;
  if (symbols == Library::Symbols::kLazy) {
    mode = dll::load_mode::rtld_lazy | dll::load_mode::rtld_local;
  } else if (symbols == Library::Symbols::kGlobal) {
    mode = dll::load_mode::rtld_now | dll::load_mode::rtld_global;
  }
  // Boost takes a bare name for a file of the working directory.
  return file.has_parent_path() ? mode : mode | dll::load_mode::search_system_folders;
}

// Boost's own error says no more than that the descriptor is bad.
std::string loader_error(const std::filesystem::path& file) {
  const char* const reason = ::dlerror();
  std::string_view words = reason == nullptr ? "?" : reason;
  if (const auto prefix = file.string() + ": "; words.starts_with(prefix)) {
    words.remove_prefix(prefix.size());
  }
  return std::string(words);
}

}  // namespace

Library::Library(const std::filesystem::path& file, Symbols symbols) {
  // Leaked on purpose: whatever came out of it may hold pointers into its code, and nobody can tell
  // when the last one dies. So nothing is closed, not even at exit.
  static auto* libraries = new std::vector<dll::shared_library>;
  dll::shared_library library;
  std::error_code failed;
  library.load(file, failed, mode_of(file, symbols));
  if (failed) {
    error_ = loader_error(file);
    return;
  }
  handle_ = library.native();
  libraries->push_back(std::move(library));
}

void* Library::address_of(const char* symbol) const {
  return handle_ == nullptr ? nullptr : ::dlsym(handle_, symbol);
}

std::filesystem::path library_of(const void* address) {
  std::error_code unknown;
  const auto file = dll::symbol_location_ptr(address, unknown);
  return unknown ? std::filesystem::path() : file;
}

}  // namespace mvn
