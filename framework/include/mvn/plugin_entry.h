// The one symbol that a plugin exports, and the macro that defines it. Without LibTorch's headers,
// for a file of its own that names nothing but the function that registers the components.
#pragma once

#include <torch/version.h>

#include <cstdint>

namespace mvn {

class Registry;

// Bumped on any change to a header in include/mvn.
inline constexpr std::uint32_t kPluginApi = 12;

// Plain data up to register_components, so that it can be read whatever built the plugin. The host
// calls nothing until every field matches its own. `api` and `size` stay first for ever.
struct PluginDescriptor {
  std::uint32_t api;
  std::uint32_t size;       // sizeof(PluginDescriptor)
  const char* torch;        // TORCH_VERSION
  const char* compiler;     // "gcc-12"
  std::uint32_t cxx11_abi;  // _GLIBCXX_USE_CXX11_ABI
  const char* sdk;          // the version of mvn-runner whose headers it was built with
  const char* name;
  const char* version;
  void (*register_components)(Registry&);
};

#define MVN_STRINGIFY_(x) #x
#define MVN_STRINGIFY(x) MVN_STRINGIFY_(x)
#if defined(__clang__)
#define MVN_COMPILER "clang-" MVN_STRINGIFY(__clang_major__)
#else
#define MVN_COMPILER "gcc-" MVN_STRINGIFY(__GNUC__)
#endif

// MVN_SDK_VERSION comes from the build: find_package(mvn) and mvn_add_plugin() define it.
#define MVN_PLUGIN(plugin_name, plugin_version, register_function)                          \
  extern "C" __attribute__((visibility("default"))) const mvn::PluginDescriptor mvn_plugin; \
  const mvn::PluginDescriptor mvn_plugin = {mvn::kPluginApi,                                \
                                            sizeof(mvn::PluginDescriptor),                  \
                                            TORCH_VERSION,                                  \
                                            MVN_COMPILER,                                   \
                                            _GLIBCXX_USE_CXX11_ABI,                         \
                                            MVN_SDK_VERSION,                                \
                                            plugin_name,                                    \
                                            plugin_version,                                 \
                                            &(register_function)}

}  // namespace mvn
