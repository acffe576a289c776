#include "train/trainer/energy.h"

#include <dlfcn.h>

#include <charconv>
#include <cstdlib>
#include <fstream>
#include <string_view>

namespace mvn {
namespace {

namespace fs = std::filesystem;

std::optional<double> number_in(const fs::path& file) {
  std::ifstream in(file);
  double number = 0;
  if (!(in >> number)) return std::nullopt;
  return number;
}

// A package is "intel-rapl:0"; "intel-rapl:0:1" is a part of it that it counts already.
bool is_package(const std::string& name) {
  const auto colon = name.find(':');
  return colon != std::string::npos && name.find(':', colon + 1) == std::string::npos &&
         name.find("rapl") != std::string::npos;
}

// The number of "cuda:1" on the board, or nothing where CUDA_VISIBLE_DEVICES names no numbers.
std::optional<unsigned> board_number(std::string_view device) {
  const auto colon = device.find(':');
  std::size_t index = 0;
  if (colon != std::string_view::npos) {
    std::from_chars(device.data() + colon + 1, device.data() + device.size(), index);
  }
  const char* visible = std::getenv("CUDA_VISIBLE_DEVICES");
  if (visible == nullptr) return static_cast<unsigned>(index);
  std::string_view rest = visible;
  for (; index > 0 && !rest.empty(); --index) {
    const auto comma = rest.find(',');
    rest = comma == std::string_view::npos ? "" : rest.substr(comma + 1);
  }
  unsigned number = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
  const bool whole = end == rest.data() + rest.size() || *end == ',';
  if (error != std::errc() || !whole) return std::nullopt;
  return number;
}

}  // namespace

// NVML, opened by hand: nothing else here needs NVIDIA's headers, and the library comes with the
// driver alone.
class EnergyMeter::Gpu {
 public:
  // Null where the library, the board or its counter is not there.
  static std::unique_ptr<Gpu> open(std::string_view device) {
    const auto number = board_number(device);
    auto gpu = std::make_unique<Gpu>();
    gpu->library_ = number ? ::dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL) : nullptr;
    if (gpu->library_ == nullptr) return nullptr;
    const auto init = gpu->function<int (*)()>("nvmlInit_v2");
    const auto board = gpu->function<int (*)(unsigned, void**)>("nvmlDeviceGetHandleByIndex_v2");
    gpu->energy_ = gpu->function<Energy>("nvmlDeviceGetTotalEnergyConsumption");
    if (init == nullptr || board == nullptr || gpu->energy_ == nullptr) return nullptr;
    if (init() != 0 || board(*number, &gpu->board_) != 0) return nullptr;
    if (!gpu->read()) return nullptr;
    gpu->before_ = *gpu->read();
    return gpu;
  }

  double take_joules() {
    const double now = read().value_or(before_);
    const double joules = (now - before_) / 1e3;
    before_ = now;
    return joules;
  }

 private:
  using Energy = int (*)(void*, unsigned long long*);

  template <typename Function>
  Function function(const char* name) const {
    return reinterpret_cast<Function>(::dlsym(library_, name));
  }

  [[nodiscard]] std::optional<double> read() const {
    unsigned long long millijoules = 0;
    if (energy_(board_, &millijoules) != 0) return std::nullopt;
    return static_cast<double>(millijoules);
  }

  void* library_ = nullptr;  // stays open
  void* board_ = nullptr;
  Energy energy_ = nullptr;
  double before_ = 0;
};

EnergyMeter::EnergyMeter(const std::string& device, const fs::path& powercap) {
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(powercap, none)) {
    if (!is_package(entry.path().filename().string())) continue;
    const auto counter = entry.path() / "energy_uj";
    if (const auto microjoules = number_in(counter)) {
      packages_[counter] = {*microjoules,
                            number_in(entry.path() / "max_energy_range_uj").value_or(0)};
    }
  }
  if (device != "cpu") gpu_ = Gpu::open(device);
}

EnergyMeter::~EnergyMeter() = default;

std::optional<double> EnergyMeter::take_joules() {
  if (packages_.empty() && !gpu_) return std::nullopt;
  double joules = gpu_ ? gpu_->take_joules() : 0;
  for (auto& [counter, package] : packages_) {
    const auto now = number_in(counter).value_or(package.microjoules);
    const double wrapped = now < package.microjoules ? package.wraps_at : 0;
    joules += (now + wrapped - package.microjoules) / 1e6;
    package.microjoules = now;
  }
  return joules;
}

}  // namespace mvn
