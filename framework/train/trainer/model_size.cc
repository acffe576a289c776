#include "train/trainer/model_size.h"

#include <sys/sysinfo.h>

#include <array>
#include <cstdio>
#include <limits>
#include <set>
#include <string>

#include "mvn/error.h"

namespace mvn {
namespace {

constexpr std::int64_t kMostLayers = 10'000;

double bytes_of(const torch::Tensor& tensor) {
  return static_cast<double>(tensor.numel()) * static_cast<double>(tensor.element_size());
}

std::string gibibytes(double bytes) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f GiB", bytes / (1 << 30));
  return text.data();
}

}  // namespace

void check_layer_count(const Value::Map& config) {
  for (const auto* key : {"num_hidden_layers", "num_layers", "n_layer", "n_layers"}) {
    const auto found = config.find(key);
    if (found == config.end() || !found->second.is_int()) continue;
    if (const auto layers = found->second.as_int(); layers > kMostLayers) {
      throw ConfigError(
          std::string("model.config.") + key,
          "must be at most " + std::to_string(kMostLayers) + ", got " + std::to_string(layers));
    }
  }
}

std::shared_ptr<Model> build_shapes(const std::function<std::shared_ptr<Model>()>& build) {
  try {
    return build();
  } catch (const c10::Error& e) {
    const std::string what = e.what_without_backtrace();
    throw ConfigError("model.config",
                      "describes no model that can be built: " + what.substr(0, what.find('\n')));
  }
}

void expect_room(const torch::nn::Module& shapes, double memory) {
  double bytes = 0;
  std::set<const c10::TensorImpl*> counted;  // a tied tensor has several names
  for (const auto& tensors : {shapes.parameters(), shapes.buffers()}) {
    for (const auto& each : tensors) {
      if (counted.insert(each.unsafeGetTensorImpl()).second) bytes += bytes_of(each);
    }
  }
  if (bytes <= memory) return;
  throw ConfigError("model.config", "describes a model of " + gibibytes(bytes) +
                                        ", but this machine's memory is " + gibibytes(memory));
}

double machine_memory() {
  struct sysinfo information {};
  if (::sysinfo(&information) != 0) return std::numeric_limits<double>::infinity();
  return (static_cast<double>(information.totalram) + static_cast<double>(information.totalswap)) *
         information.mem_unit;
}

}  // namespace mvn
