// Energy, where the machine counts it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "train/trainer/nvidia_board.h"

namespace mvn {

// Reads what the processors' packages have used (RAPL, which the kernel shows under powercap; most
// machines let only root read it) and, for a GPU, the board (NVML, where its library is installed).
// Both count the whole package or board, whoever uses it.
class EnergyMeter {
 public:
  // `device` as trial.json names it.
  explicit EnergyMeter(const std::string& device,
                       const std::filesystem::path& powercap = "/sys/class/powercap",
                       const std::string& nvml = kNvml);

  // Joules since the last call, or since the start; nothing where no counter can be read.
  std::optional<double> take_joules();

 private:
  struct Package {
    double microjoules;  // at the last look
    double wraps_at;
  };
  std::map<std::filesystem::path, Package> packages_;  // by energy_uj
  std::unique_ptr<NvidiaBoard> board_;                 // null on a CPU
  std::optional<double> board_joules_;  // at the last look; nothing where it is not counted
};

}  // namespace mvn
