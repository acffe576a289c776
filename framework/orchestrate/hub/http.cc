#include "orchestrate/hub/http.h"

#include <dlfcn.h>

#include "common/files.h"
#include "mvn/error.h"

namespace mvn {

std::unique_ptr<HttpEngine> make_http_engine(const HttpRules& rules) {
  const auto file = executable_folder().parent_path() / "lib" / "libmvn_http.so";
  // Never closed: what it has opened stays in use until the end.
  void* library = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* reason = ::dlerror();
    throw Error(std::string("cannot speak HTTP: ") +
                (reason == nullptr ? file.string().c_str() : reason) +
                "; without a network, HF_HUB_OFFLINE=1 takes what is in the cache");
  }
  using Make = HttpEngine* (*)(const HttpRules&);
  const auto make = reinterpret_cast<Make>(::dlsym(library, "mvn_make_http_engine"));
  auto* engine = make == nullptr ? nullptr : make(rules);
  if (engine == nullptr) throw Error(file.string() + ": is none of this mvn-runner's libraries");
  return std::unique_ptr<HttpEngine>(engine);
}

}  // namespace mvn
