// A full disk, and when it is worth another try.
#pragma once

#include <cstdint>
#include <filesystem>

namespace mvn {

class DiskSpace {
 public:
  // The disk of `folder` is full at `now`, in seconds of a steady clock.
  DiskSpace(std::filesystem::path folder, double now);
  // There is twice the space and a little more, or plenty of it; or a minute has passed, since a
  // quota does not show.
  [[nodiscard]] bool is_back(double now) const;

 private:
  std::filesystem::path folder_;
  double since_;
  std::uintmax_t free_;
};

}  // namespace mvn
