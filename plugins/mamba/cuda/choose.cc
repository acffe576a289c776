// What needs no CUDA.
#include <cstdlib>
#include <stdexcept>
#include <string>

#include "kernels.h"

namespace mvn::mamba::gpu {

ScanForward choose_scan_forward(std::int64_t sequences, std::int64_t channels,
                                std::int64_t multiprocessors) {
  if (const char* const asked = std::getenv("MVN_SCAN_CUDA")) {
    const std::string name = asked;
    if (name == "channel") return ScanForward::kByChannel;
    if (name == "quad") return ScanForward::kByQuad;
    throw std::runtime_error("MVN_SCAN_CUDA is '" + name + "'; known are channel and quad");
  }
  // A thread a channel leaves a scheduler two warps from here on.
  const std::int64_t enough = std::int64_t{8} * 32 * multiprocessors;
  return sequences * channels >= enough ? ScanForward::kByChannel : ScanForward::kByQuad;
}

}  // namespace mvn::mamba::gpu
