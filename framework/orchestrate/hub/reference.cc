#include "orchestrate/hub/reference.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "common/printable.h"
#include "mvn/error.h"

namespace mvn {
namespace {

constexpr std::string_view kPrefix = "hf:";
constexpr std::size_t kLongestName = 96;
constexpr std::size_t kCommitDigits = 40;

[[noreturn]] void refuse(std::string_view text, const std::string& what) {
  throw ConfigError("", "'" + printable(std::string(text)) + "': " + what +
                            "; write hf:OWNER/NAME[@REVISION][/FILE], for a dataset "
                            "hf:datasets/OWNER/NAME[@REVISION]/FILE");
}

bool is_name(std::string_view name) {
  const auto allowed = [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
  };
  const auto edge = [](char c) { return c == '-' || c == '.'; };
  return !name.empty() && name.size() <= kLongestName && std::ranges::all_of(name, allowed) &&
         !edge(name.front()) && !edge(name.back()) && name.find("..") == name.npos &&
         name.find("--") == name.npos;
}

bool is_revision(std::string_view revision) {
  const auto printable_sign = [](unsigned char c) { return c > ' ' && c != 0x7f && c != '\\'; };
  return std::ranges::all_of(revision, printable_sign) && is_safe_path(revision);
}

// Takes the text before the first `separator`, and that sign, off `rest`.
std::string_view take(std::string_view& rest, std::string_view separators) {
  const auto end = std::min(rest.find_first_of(separators), rest.size());
  const auto part = rest.substr(0, end);
  rest.remove_prefix(end);
  return part;
}

// Of "@REVISION/PATH": refs/convert/NAME and refs/pr/NUMBER are the revisions that have a '/' in
// them; in others it is written %2F.
std::string take_revision(std::string_view& rest) {
  rest.remove_prefix(1);
  std::string revision;
  for (const std::string_view special : {"refs/convert/", "refs/pr/"}) {
    if (!rest.starts_with(special)) continue;
    revision = special;
    rest.remove_prefix(special.size());
  }
  revision += take(rest, "/");
  for (auto at = revision.find("%2F"); at != revision.npos; at = revision.find("%2F")) {
    revision.replace(at, 3, "/");
  }
  return revision;
}

std::string revision_text(std::string revision) {
  if (revision.starts_with("refs/convert/") || revision.starts_with("refs/pr/")) return revision;
  for (auto at = revision.find('/'); at != revision.npos; at = revision.find('/')) {
    revision.replace(at, 1, "%2F");
  }
  return revision;
}

HubKind take_kind(std::string_view& rest, HubKind standard) {
  static constexpr std::array<std::pair<std::string_view, HubKind>, 2> kKinds = {
      {{"models/", HubKind::kModel}, {"datasets/", HubKind::kDataset}}};
  for (const auto& [prefix, kind] : kKinds) {
    if (!rest.starts_with(prefix)) continue;
    rest.remove_prefix(prefix.size());
    return kind;
  }
  return standard;
}

}  // namespace

bool is_hub_reference(std::string_view text) { return text.starts_with(kPrefix); }

HubReference parse_hub_reference(std::string_view text, HubKind standard) {
  std::string_view rest = text.substr(std::min(kPrefix.size(), text.size()));
  while (rest.starts_with('/')) rest.remove_prefix(1);  // hf://OWNER/NAME, as fsspec has it
  HubReference reference;
  reference.kind = take_kind(rest, standard);
  if (rest.starts_with("spaces/"))
    refuse(text, "names a space, which holds neither model nor data");
  const auto owner = take(rest, "/@");
  if (!is_name(owner)) refuse(text, "names no repository of the hub");
  reference.id = owner;
  if (rest.starts_with('/')) {
    rest.remove_prefix(1);
    const auto name = take(rest, "/@");
    if (!is_name(name)) refuse(text, "names no repository of the hub");
    reference.id += "/" + std::string(name);
  }
  const bool revision_first = rest.starts_with('@');
  if (revision_first) reference.revision = take_revision(rest);
  if (rest.starts_with('/')) reference.path = rest.substr(1);
  const auto at = reference.path.rfind('@');
  if (!revision_first && at != reference.path.npos) {
    std::string_view behind = std::string_view(reference.path).substr(at);
    reference.revision = take_revision(behind);
    if (!behind.empty()) refuse(text, "has a revision in the middle of a path");
    reference.path.resize(at);
  }
  while (reference.path.ends_with('/')) reference.path.pop_back();
  if (!is_revision(reference.revision)) refuse(text, "has no revision behind its '@'");
  if (!reference.path.empty() && !is_safe_path(reference.path)) refuse(text, "has no such path");
  return reference;
}

std::string repository_text(const HubReference& reference) {
  return std::string(kPrefix) + (reference.kind == HubKind::kDataset ? "datasets/" : "") +
         reference.id;
}

std::string to_string(const HubReference& reference) {
  return repository_text(reference) + "@" + revision_text(reference.revision) +
         (reference.path.empty() ? "" : "/" + reference.path);
}

std::optional<HubReference> converted_split(const HubReference& reference) {
  const auto& path = reference.path;
  // A configuration may be called 20231101.en; a split with a dot is a file.
  const auto slash = path.find('/');
  const bool split = std::ranges::count(path, '/') == 1 && path.find('.', slash) == path.npos;
  // What is converted is main.
  const bool main = reference.revision == HubReference().revision;
  if (reference.kind != HubKind::kDataset || !split || !main) return std::nullopt;
  return HubReference{reference.kind, reference.id, "refs/convert/parquet", path};
}

bool is_hex(std::string_view text, std::size_t digits) {
  return text.size() == digits && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

bool is_commit(std::string_view revision) { return is_hex(revision, kCommitDigits); }

bool is_safe_path(std::string_view path) {
  if (path.empty() || path.front() == '/' || path.find('\\') != path.npos) return false;
  const auto control = [](unsigned char c) { return c < ' ' || c == 0x7f; };
  if (std::ranges::any_of(path, control)) return false;
  for (std::size_t begin = 0; begin <= path.size();) {
    const auto end = std::min(path.find('/', begin), path.size());
    const auto part = path.substr(begin, end - begin);
    if (part.empty() || part == "." || part == "..") return false;
    begin = end + 1;
  }
  return true;
}

}  // namespace mvn
