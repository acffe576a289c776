#include "train/trainer/peak.h"

#include <ATen/DeviceAccelerator.h>
#include <torch/torch.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <filesystem>
#include <optional>
#include <string>

#include "common/files.h"
#include "common/hashing.h"
#include "common/json.h"
#include "train/sdk/device.h"
#include "train/trainer/environment.h"

namespace mvn {
namespace {

constexpr int kRuns = 5;

// So large that the product outweighs everything around it, and still takes milliseconds.
std::int64_t side_of(torch::Device device) { return device.is_cpu() ? 1024 : 8192; }

double measure(torch::Device device, Precision precision) {
  const torch::NoGradGuard no_grad;
  const auto side = side_of(device);
  const auto type = precision == Precision::kBf16 ? torch::kBFloat16 : torch::kFloat32;
  const auto matrix = torch::ones({side, side}, torch::dtype(type).device(device));
  auto product = torch::mm(matrix, matrix);  // the first is slower: libraries set themselves up
  double best = 0;
  for (int run = 0; run < kRuns; ++run) {
    if (!device.is_cpu()) at::accelerator::synchronizeDevice(device.index());
    const auto start = std::chrono::steady_clock::now();
    torch::mm_out(product, matrix, matrix);
    if (!device.is_cpu()) at::accelerator::synchronizeDevice(device.index());
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    const auto n = static_cast<double>(side);
    best = std::max(best, 2 * n * n * n / taken.count());
  }
  return best;
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

double device_peak_flops(const TrialFile& trial, Precision precision) {
  Json what = machine_of(trial.device);
  what["threads"] = trial.threads;
  what["precision"] = name_of(precision);
  const auto file = trial.folder.parent_path() / ".cache" /
                    ("peak-" + sha256(canonical_json(what)).substr(0, 16) + ".json");
  if (const auto flops = remembered(file)) return *flops;
  what["flops"] = measure(device_named(trial.device), precision);
  write_file_atomically(file, what.dump(2) + "\n");
  return what["flops"].get<double>();
}

}  // namespace mvn
