#include "train/trainer/describe.h"

#include <torch/version.h>

#include "train/recipe/sections.h"
#include "train/sdk/device.h"

namespace mvn {

Description describe(const PluginHost& host) {
  return {.sdk = MVN_SDK_VERSION,
          .torch = TORCH_VERSION,
          .devices = devices(),
          .device_memory = device_memory(),
          .sections = trainer_sections(),
          .components = host.components(),
          .refused = host.refused()};
}

}  // namespace mvn
