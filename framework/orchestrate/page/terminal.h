// show, top and curve: what the page says, in a terminal.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <ostream>
#include <string>

namespace mvn {

struct TerminalOptions {
  std::filesystem::path database = {};
  std::string sweep = {};   // its name, or its file; "": the one that ran last
  std::string metric = {};  // "": what its stages are judged by
  std::size_t most = 10;    // configurations
  bool json = false;
  std::optional<std::size_t> width = {};  // of the terminal; nothing where it is none
};

// All that is known of a trial: configuration and what sets it apart, results, curve, files,
// troubles. `id` is a whole one.
void show_trial(const TerminalOptions& options, const std::string& id, std::ostream& out);

// The best configurations of each stage, each over its seeds, with intervals.
void show_top(const TerminalOptions& options, std::ostream& out);

// The curve of a trial, or those of a sweep's best configurations.
void show_trial_curve(const TerminalOptions& options, const std::string& id, std::ostream& out);
void show_sweep_curves(const TerminalOptions& options, std::ostream& out);

// Whether the database has a sweep of this name, or of this file.
bool has_sweep(const std::filesystem::path& database, const std::string& sweep);

}  // namespace mvn
