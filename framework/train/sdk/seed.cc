#include "mvn/seed.h"

#include <ATen/CPUGeneratorImpl.h>

#include <mutex>
#include <utility>

namespace mvn {
namespace {

thread_local SeedScope* newest_scope = nullptr;

// Far apart from one draw to the next (splitmix64's increment and mix).
std::uint64_t spread(std::uint64_t drawn) {
  std::uint64_t z = drawn * 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

}  // namespace

SeedScope::SeedScope(torch::Tensor step)
    : step_(std::move(step)), before_(std::exchange(newest_scope, this)) {}

SeedScope::~SeedScope() { newest_scope = before_; }

Seed draw_seed() {
  if (newest_scope == nullptr) {
    auto* generator = at::get_generator_or_default<at::CPUGeneratorImpl>(
        std::nullopt, at::detail::getDefaultCPUGenerator());
    const std::lock_guard<std::mutex> lock(generator->mutex_);
    return {generator->random64(), {}};
  }
  const auto& step = newest_scope->step_;
  const std::uint64_t number = spread(++newest_scope->drawn_);
  if (!step.is_cpu()) return {number, step};
  return {number + static_cast<std::uint64_t>(*step.const_data_ptr<std::int64_t>()), {}};
}

}  // namespace mvn
