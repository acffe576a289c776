// The NVIDIA board behind a CUDA device.
#pragma once

#include <memory>
#include <optional>
#include <string>

namespace mvn {

// NVML, opened by hand: nothing here needs NVIDIA's headers, and the library comes with the driver
// alone.
inline constexpr const char* kNvml = "libnvidia-ml.so.1";

// What CUDA_VISIBLE_DEVICES (`visible`; null where it is not set) calls "cuda:1": a number of the
// machine, or the beginning of a UUID. "" where it has no such device.
std::string visible_entry(const std::string& device, const char* visible);

class NvidiaBoard {
 public:
  // The board of `device`, as trial.json names it, or the one that it is a part of (MIG). Null
  // where the library or the board is not there; and where CUDA may count boards otherwise than
  // NVML, which it does unless CUDA_DEVICE_ORDER is PCI_BUS_ID.
  static std::unique_ptr<NvidiaBoard> open(const std::string& device,
                                           const std::string& library = kNvml);

  // The name of the device, which may be a part of a board; "" where NVML does not say.
  [[nodiscard]] std::string name() const;
  // What the whole board has used since the driver was loaded, where it counts.
  [[nodiscard]] std::optional<double> joules() const;

 private:
  class Nvml;
  NvidiaBoard(std::shared_ptr<const Nvml> library, void* device, void* board)
      : library_(std::move(library)), device_(device), board_(board) {}

  std::shared_ptr<const Nvml> library_;
  void* device_;
  void* board_;  // the same, or what `device_` is a part of
};

}  // namespace mvn
