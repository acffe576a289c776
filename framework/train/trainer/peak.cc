#include "train/trainer/peak.h"

#include <ATen/DeviceAccelerator.h>
#include <torch/version.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <filesystem>
#include <optional>
#include <string>

#include "common/files.h"
#include "common/hashing.h"
#include "common/json.h"
#include "mvn/torch.h"
#include "train/sdk/device.h"
#include "train/trainer/accounting.h"
#include "train/trainer/environment.h"

namespace mvn {
namespace {

constexpr int kRuns = 5;
constexpr std::int64_t kSmallest = 128;
constexpr double kBudget = 2;  // seconds

// So large that the product outweighs everything around it, and still takes milliseconds.
std::int64_t side_of(torch::Device device) { return device.is_cpu() ? 1024 : 8192; }

double measure(torch::Device device, Precision precision) {
  const torch::NoGradGuard no_grad;
  const auto type = precision == Precision::kBf16 ? torch::kBFloat16 : torch::kFloat32;
  // Random like those of training: of equal numbers a GPU takes less power, and so runs faster.
  torch::Tensor matrix;
  torch::Tensor product;
  return peak_of_products(side_of(device), [&](std::int64_t side) {
    if (!matrix.defined() || matrix.size(0) != side) {
      matrix = torch::randn({side, side}, torch::dtype(type).device(device));
      product = torch::mm(matrix, matrix);  // slower: libraries set themselves up
    }
    if (!device.is_cpu()) at::accelerator::synchronizeDevice(device.index());
    const auto start = std::chrono::steady_clock::now();
    torch::mm_out(product, matrix, matrix);
    if (!device.is_cpu()) at::accelerator::synchronizeDevice(device.index());
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  });
}

// What was measured before. A file that cannot be read is none.
std::optional<double> remembered(const std::filesystem::path& file) {
  try {
    if (!std::filesystem::exists(file)) return std::nullopt;
    const double flops = read_json(file).at("flops").get<double>();
    return flops > 0 ? std::optional(flops) : std::nullopt;
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

const char* name_of(Precision precision) {
  return precision == Precision::kBf16 ? "bf16" : precision == Precision::kTf32 ? "tf32" : "fp32";
}

}  // namespace

double peak_of_products(std::int64_t largest,
                        const std::function<double(std::int64_t side)>& seconds_of) {
  std::int64_t side = std::min(kSmallest, largest);
  double best = seconds_of(side);
  // Twice the side is eight times the work, to be done once more than it is timed.
  while (side < largest && 8 * best * (kRuns + 1) < kBudget) {
    side = std::min(2 * side, largest);
    best = seconds_of(side);
  }
  for (int run = 1; run < kRuns; ++run) best = std::min(best, seconds_of(side));
  const auto n = static_cast<double>(side);
  return 2 * n * n * n / best;
}

double device_peak_flops(const TrialFile& trial, Precision precision) {
  Json what = machine_of(trial.device);
  what["threads"] = trial.threads;
  what["precision"] = name_of(precision);
  what["torch"] = TORCH_VERSION;
  const auto name = sha256(canonical_json(what)).substr(0, 16) + ".json";
  const auto users = cache_folder();
  const auto file = users.empty() ? trial.folder.parent_path() / ".cache" / ("peak-" + name)
                                  : users / "peaks" / name;
  if (const auto known = remembered(file)) return *known;
  const auto device = device_named(trial.device);
  const double flops = measure(device, precision);
  release_device_memory(device);
  reset_peak_memory(device);  // that was not the trial's
  what["flops"] = flops;
  try {
    write_file_atomically(file, what.dump(2) + "\n");
  } catch (const std::exception&) {
    // Then it is measured again next time.
  }
  return flops;
}

}  // namespace mvn
