// What would be installed: two models, two adapters, two tasks and the trainer's sections.
#pragma once

#include <filesystem>
#include <string>

#include "common/description.h"
#include "orchestrate/sweep/plan.h"

namespace mvn::sweep_test {

const Description& installed();

// A folder of its own for one test, removed at the end.
class Folder {
 public:
  Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder();
  // Writes a file (folders are made) and returns its path.
  std::filesystem::path write(const std::string& name, const std::string& text) const;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// Plans `text` as sweep.yaml in a folder of its own.
SweepPlan plan_text(const std::string& text, const PlanOptions& options = {});

}  // namespace mvn::sweep_test
