#include "train/sdk/library.h"

#include <dlfcn.h>

#include <string_view>

namespace mvn {
namespace {

int flags_of(Library::Symbols symbols) {
  switch (symbols) {
    case Library::Symbols::kLazy:
      return RTLD_LAZY | RTLD_LOCAL;
    case Library::Symbols::kGlobal:
      return RTLD_NOW | RTLD_GLOBAL;
    default:
      return RTLD_NOW | RTLD_LOCAL;
  }
}

std::string loader_error(const std::filesystem::path& file) {
  const char* const reason = ::dlerror();
  std::string_view words = reason == nullptr ? "?" : reason;
  if (const auto prefix = file.string() + ": "; words.starts_with(prefix)) {
    words.remove_prefix(prefix.size());
  }
  return std::string(words);
}

}  // namespace

Library::Library(const std::filesystem::path& file, Symbols symbols)
    : handle_(::dlopen(file.c_str(), flags_of(symbols))) {
  if (handle_ == nullptr) error_ = loader_error(file);
}

void* Library::address_of(const char* symbol) const {
  return handle_ == nullptr ? nullptr : ::dlsym(handle_, symbol);
}

std::filesystem::path library_of(const void* address) {
  Dl_info info{};
  if (::dladdr(address, &info) == 0 || info.dli_fname == nullptr) return {};
  return info.dli_fname;
}

}  // namespace mvn
