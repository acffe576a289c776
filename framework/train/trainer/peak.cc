#include "train/trainer/peak.h"

#include <ATen/DeviceAccelerator.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
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

// So large that the product outweighs everything around it, and still takes milliseconds.
std::int64_t side_of(torch::Device device) { return device.is_cpu() ? 1024 : 8192; }

double measure(torch::Device device, Precision precision) {
  const torch::NoGradGuard no_grad;
  const auto side = side_of(device);
  const auto type = precision == Precision::kBf16 ? torch::kBFloat16 : torch::kFloat32;
  // Like those of training: of equal numbers a GPU takes less power, and so runs faster.
  const auto matrix = torch::randn({side, side}, torch::dtype(type).device(device));
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
  if (std::filesystem::exists(file)) return read_json(file).at("flops").get<double>();
  const auto device = device_named(trial.device);
  what["flops"] = measure(device, precision);
  release_device_memory(device);
  reset_peak_memory(device);  // that was not the trial's
  write_file_atomically(file, what.dump(2) + "\n");
  return what["flops"].get<double>();
}

}  // namespace mvn
