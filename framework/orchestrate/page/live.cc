#include "orchestrate/page/live.h"

#include <sys/stat.h>

#include "mvn/error.h"

namespace mvn {
namespace {

// Share of the time that reading may take, at most: one in so many parts.
constexpr int kRestShare = 3;

std::int64_t file_number(const std::filesystem::path& path) {
  struct stat information {};
  if (::stat(path.c_str(), &information) != 0) {
    throw Error(path.string() + ": no such database; run a sweep first ('mvn-runner SWEEP.yaml')");
  }
  return static_cast<std::int64_t>(information.st_ino);
}

}  // namespace

DatabaseWatch::Seen DatabaseWatch::look() {
  const auto file = file_number(path_);
  return translate_errors(path_, [&]() -> Seen {
    if (!db_ || file != file_) db_ = std::make_unique<Database>(path_, Access::kRead);
    file_ = file;
    return {db_->known_integer("PRAGMA data_version"), file};
  });
}

LiveSweep::LiveSweep(std::filesystem::path database, PageRequest request)
    : database_(std::move(database)), request_(std::move(request)) {}

void LiveSweep::take(Parts& parts, const std::string& name, const Json& json) const {
  auto& part = parts[name];
  if (part.changed != 0 && part.json == json) return;
  part = {json, now_};
}

void LiveSweep::follow(const DatabaseWatch::Seen& seen) {
  if (data_ && seen == seen_) return;
  const auto start = std::chrono::steady_clock::now();
  if (data_ && start < not_before_) return;
  if (!data_ || seen.file != seen_.file) data_ = std::make_unique<PageData>(database_, request_);
  const Json& sections = data_->sections();
  ++now_;
  for (const auto& [name, json] : sections.items()) take(sections_, name, json);
  for (auto& [name, part] : sections_) {
    if (!sections.contains(name)) take(sections_, name, nullptr);
  }
  seen_ = seen;
  const auto end = std::chrono::steady_clock::now();
  not_before_ = end + kRestShare * (end - start);
}

Json LiveSweep::changes(const DatabaseWatch::Seen& seen, std::int64_t since) {
  follow(seen);
  Json changed = Json::object();
  for (const auto& [name, part] : sections_) {
    if (part.changed > since) changed[name] = part.json;
  }
  return {{"now", now_}, {"sections", std::move(changed)}};
}

Json LiveSweep::curves(const DatabaseWatch::Seen& seen, const std::string& metric,
                       std::int64_t since) {
  follow(seen);
  auto& known = curves_[metric];
  if (known.read_at != now_) {
    const Json read = data_->curves(metric);
    for (const auto& curve : read["curves"]) {
      take(known.parts, curve["stage"].get<std::string>() + '/' + curve["group"].get<std::string>(),
           curve);
    }
    known.left_out = read["left_out"];
    known.read_at = now_;
  }
  Json changed = Json::array();
  for (const auto& [name, part] : known.parts) {
    if (part.changed > since) changed.push_back(part.json);
  }
  return {{"now", now_}, {"curves", std::move(changed)}, {"left_out", known.left_out}};
}

Json LiveSweep::trial(const DatabaseWatch::Seen& seen, const std::string& id) {
  follow(seen);
  return data_->trial(id);
}

}  // namespace mvn
