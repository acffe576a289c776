#include "orchestrate/workers/packer.h"

#include <algorithm>

namespace mvn {
namespace {

// A measured peak counts what the allocator held. Beside it there are the CUDA context and the
// libraries' own memory, and some room for pieces that fall differently the next time.
constexpr std::int64_t kContext = std::int64_t{640} << 20;
constexpr std::int64_t with_share(std::int64_t peak) { return peak + peak / 8 + kContext; }

}  // namespace

bool Packer::shares(const std::string& gpu) const {
  return rules_.most_per_gpu > 1 && rules_.memory.contains(gpu);
}

std::int64_t Packer::estimate(const std::string& shape) const {
  if (rules_.per_trial > 0) return rules_.per_trial;
  const auto found = estimates_.find(shape);
  return found == estimates_.end() ? 0 : found->second;
}

bool Packer::needs_it_alone(std::size_t trial, const std::string& shape) const {
  return alone_.contains(trial) || estimate(shape) == 0;
}

bool Packer::fits(const std::string& gpu, std::size_t trial, const std::string& shape) const {
  const auto found = tenants_.find(gpu);
  if (found == tenants_.end() || found->second.empty()) return true;
  const auto& tenants = found->second;
  if (!shares(gpu) || needs_it_alone(trial, shape)) return false;
  if (tenants.size() >= static_cast<std::size_t>(rules_.most_per_gpu)) return false;
  std::int64_t used = estimate(shape);
  for (const auto& [other, tenant] : tenants) {
    if (tenant.alone) return false;
    used += tenant.bytes;
  }
  return used <= rules_.memory.at(gpu);
}

void Packer::start(const std::string& gpu, std::size_t trial, const std::string& shape) {
  auto& tenants = tenants_[gpu];
  tenants[trial] = {estimate(shape), needs_it_alone(trial, shape), false};
  if (tenants.size() == 1) return;
  for (auto& [each, tenant] : tenants) tenant.shared = true;
}

bool Packer::end(const std::string& gpu, std::size_t trial) {
  auto& tenants = tenants_[gpu];
  const bool shared = tenants[trial].shared;
  tenants.erase(trial);
  return shared;
}

void Packer::learn(const std::string& shape, std::int64_t peak) {
  auto& known = estimates_[shape];
  known = std::max(known, with_share(peak));
}

void Packer::learn_overflow(std::size_t trial, const std::string& shape) {
  alone_.insert(trial);
  if (const auto known = estimates_.find(shape); known != estimates_.end()) known->second *= 2;
}

}  // namespace mvn
