#include "orchestrate/run/disk_space.h"

#include <algorithm>
#include <system_error>
#include <utility>

namespace mvn {
namespace {

constexpr double kPatience = 60;                // seconds
constexpr std::uintmax_t kLittle = 4ULL << 20;  // bytes
constexpr std::uintmax_t kPlenty = 64ULL << 20;

std::uintmax_t free_space(const std::filesystem::path& folder) {
  std::error_code ignored;
  const auto space = std::filesystem::space(folder, ignored);
  return ignored ? 0 : space.available;
}

}  // namespace

DiskSpace::DiskSpace(std::filesystem::path folder, double now)
    : folder_(std::move(folder)), since_(now), free_(free_space(folder_)) {}

bool DiskSpace::is_back(double now) const {
  return now - since_ > kPatience || free_space(folder_) >= std::min(2 * free_ + kLittle, kPlenty);
}

}  // namespace mvn
