#include "train/trainer/energy.h"

#include <fstream>

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

}  // namespace

EnergyMeter::EnergyMeter(const std::string& device, const fs::path& powercap,
                         const std::string& nvml)
    : board_(NvidiaBoard::open(device, nvml)) {
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(powercap, none)) {
    if (!is_package(entry.path().filename().string())) continue;
    const auto counter = entry.path() / "energy_uj";
    if (const auto microjoules = number_in(counter)) {
      packages_[counter] = {*microjoules,
                            number_in(entry.path() / "max_energy_range_uj").value_or(0)};
    }
  }
  if (board_) board_joules_ = board_->joules();
}

std::optional<double> EnergyMeter::take_joules() {
  if (packages_.empty() && !board_joules_) return std::nullopt;
  double joules = 0;
  if (board_joules_) {
    const double now = board_->joules().value_or(*board_joules_);
    joules = now - *board_joules_;
    board_joules_ = now;
  }
  for (auto& [counter, package] : packages_) {
    const auto now = number_in(counter).value_or(package.microjoules);
    const double wrapped = now < package.microjoules ? package.wraps_at : 0;
    joules += (now + wrapped - package.microjoules) / 1e6;
    package.microjoules = now;
  }
  return joules;
}

}  // namespace mvn
