// Where an export goes: whole or not at all, and over nothing that is not an export.
#pragma once

#include <filesystem>
#include <string>

#include "common/json.h"

namespace mvn {

// What is written is there under its name only after commit(). Throws ConfigError where something
// is in the way: anything, or with `overwrite` whatever mvn-runner did not export there.
class OutputPlace {
 public:
  struct Wanted {
    std::filesystem::path path;
    bool is_folder = true;
    bool overwrite = false;
  };
  explicit OutputPlace(const Wanted& wanted);
  ~OutputPlace();
  OutputPlace(const OutputPlace&) = delete;
  OutputPlace& operator=(const OutputPlace&) = delete;

  // Where it will be: absolute, without a slash at its end.
  [[nodiscard]] const std::filesystem::path& path() const { return wanted_.path; }
  // Where to write: an empty folder, or a file that is not there.
  [[nodiscard]] const std::filesystem::path& temporary() const { return temporary_; }

  // `origin` is kept in a folder as mvn-export.json: by it the next --overwrite knows its own.
  void commit(const Json& origin);

 private:
  void check() const;
  void put_in_place() const;

  Wanted wanted_;
  std::filesystem::path work_;       // a folder of our own beside the output
  std::filesystem::path temporary_;  // in it
};

}  // namespace mvn
