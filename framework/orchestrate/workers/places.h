// The places of a machine where trials run: on its GPUs, or the cores divided.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "common/description.h"
#include "orchestrate/sweep/rules.h"

namespace mvn {

struct Place {
  std::size_t number = 0;  // among those of a run, from 0
  std::string name;        // for people and the database: "cpu", "cuda:1"
  std::string device;      // as the worker in it sees the device: "cpu", "cuda:0"
  int threads = 1;
  std::map<std::string, std::string> environment;
  // What brings a command to the machine of this place: `srun ...`; empty: it is this one.
  std::vector<std::string> launcher = {};
  std::map<std::string, std::string> known = {};  // of it, for the view `environments`
};

// `devices` are those of Description, `cores` those this process may use, `width` the most trials
// that can run at the same time, `visible` the runner's own CUDA_VISIBLE_DEVICES ("" when unset).
// Throws ConfigError("resources.device") when what is asked for is not there.
std::vector<Place> make_places(const Resources& resources, const std::vector<std::string>& devices,
                               int cores, std::size_t width, const std::string& visible);

// The cores this process may use: by its affinity and the CPU quota of its control groups.
int usable_cores();
// `cores`, or fewer where the control group `group` ("/user.slice") below `root`, or one above it,
// has a smaller quota; a part of a core counts as one.
int cores_within_quotas(int cores, const std::filesystem::path& root,
                        const std::filesystem::path& group);

}  // namespace mvn
