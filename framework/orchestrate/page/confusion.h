// Confusion matrices out of the predictions that trials kept.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace mvn {

inline constexpr std::int64_t kMostClasses = 20;  // of a picture that can be read

// counts[label][predicted].
using Confusion = std::vector<std::vector<std::int64_t>>;

// Of a file of predictions (an example a line); nothing where it is not there, damaged, or of more
// classes.
std::optional<Confusion> read_confusion(const std::filesystem::path& predictions);

// Adds the second one's counts to the first, which grows where the second has more classes.
void add_confusion(Confusion& sum, const Confusion& other);

// The names of the classes by their index, where they can be known: those of the metrics
// `.../labelled/NAME`, in the order of the classification task, as numbers where all are. Nothing
// where the counts of the labels, by name, are not those of the matrix.
std::optional<std::vector<std::string>> class_names(
    const Confusion& confusion, const std::map<std::string, std::int64_t>& labelled);

// Remembers what was read until a file changes.
class ConfusionCache {
 public:
  const std::optional<Confusion>& read(const std::filesystem::path& predictions);

 private:
  struct Entry {
    std::filesystem::file_time_type changed;
    std::uintmax_t size = 0;
    std::optional<Confusion> confusion;
  };
  std::map<std::filesystem::path, Entry> entries_;
};

}  // namespace mvn
