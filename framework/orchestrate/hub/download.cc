#include "orchestrate/hub/download.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <csignal>
#include <exception>
#include <memory>
#include <optional>
#include <system_error>

#include "common/disk_full.h"
#include "common/printable.h"
#include "mvn/error.h"
#include "orchestrate/hub/answer.h"
#include "orchestrate/hub/partial_file.h"
#include "orchestrate/hub/retry.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

constexpr int kMostDamaged = 2;  // times that a file may come and not be what its hash says
constexpr int kLook = 100;       // milliseconds between looks at locks, pauses and the user

// The first byte and the whole size in "bytes 100-199/1000"; nothing where it is something else.
std::optional<std::pair<std::uint64_t, std::uint64_t>> content_range(const std::string& text) {
  constexpr std::string_view kUnit = "bytes ";
  const auto dash = text.find('-');
  const auto slash = text.find('/');
  if (!text.starts_with(kUnit) || dash == text.npos || slash == text.npos) return std::nullopt;
  std::uint64_t first = 0;
  std::uint64_t whole = 0;
  const char* begin = text.data();
  const char* end = begin + text.size();
  if (std::from_chars(begin + kUnit.size(), begin + dash, first).ec != std::errc()) {
    return std::nullopt;
  }
  if (std::from_chars(begin + slash + 1, end, whole).ec != std::errc()) return std::nullopt;
  return std::pair(first, whole);
}

enum class Stage { kWaiting, kLocked, kMoving, kSettling, kDone };

// One file on its way.
class FileDownload : public HttpTransfer {
 public:
  FileDownload(const DownloadContext& context, const HubDownload& wanted)
      : context_(context),
        wanted_(wanted),
        blob_(context.cache.blob(wanted.repository, wanted.file.hash)),
        retry_(context.settings) {
    url = file_url(context.settings, wanted);
    token = context.settings.token;
  }
  FileDownload(const FileDownload&) = delete;
  FileDownload& operator=(const FileDownload&) = delete;
  ~FileDownload() override {
    if (stage_ == Stage::kMoving) context_.engine.drop(*this);
  }

  // Goes on with what needs no answer of the hub.
  void step();
  bool take(const HttpHead& head, std::string_view bytes) override;
  void ended(const HttpEnd& ended);

  [[nodiscard]] bool is_done() const { return stage_ == Stage::kDone; }
  [[nodiscard]] bool is_settling() const { return stage_ == Stage::kSettling; }
  [[nodiscard]] const HubFile& file() const { return wanted_.file; }
  [[nodiscard]] std::uint64_t bytes_there() const {
    if (stage_ == Stage::kDone) return wanted_.file.size;
    return partial_ ? partial_->size() : 0;
  }
  [[nodiscard]] std::uint64_t received() const { return received_; }

 private:
  void lock();
  void start();
  void settle();
  void finish();
  void damaged(const std::string& how);
  bool begin_answer(const HttpHead& head);
  [[nodiscard]] std::string name() const {
    return repository_text(wanted_.repository) + "/" + printable(wanted_.file.path);
  }

  const DownloadContext& context_;
  HubDownload wanted_;
  fs::path blob_;
  Retry retry_;
  Stage stage_ = Stage::kWaiting;
  std::optional<HubLock> lock_;
  std::unique_ptr<PartialFile> partial_;
  std::uint64_t received_ = 0;
  bool answering_ = false;     // the first bytes of an answer's body are there
  bool said_waiting_ = false;  // for another process
  int times_damaged_ = 0;
  std::string fault_;         // why take() wanted no more
  std::exception_ptr error_;  // thrown in it
};

void FileDownload::step() {
  if (stage_ == Stage::kWaiting) lock();
  if (stage_ == Stage::kLocked && retry_.is_due()) start();
  if (stage_ == Stage::kSettling && partial_->is_settled()) finish();
}

void FileDownload::lock() {
  lock_ = HubLock::try_lock(context_.cache.lock(wanted_.repository, wanted_.file.hash));
  if (!lock_) {
    if (!said_waiting_)
      context_.view.note("another process fetches " + name() + ": waiting for it");
    said_waiting_ = true;
    return;
  }
  stage_ = Stage::kLocked;
}

void FileDownload::start() {
  std::error_code error;
  if (fs::is_regular_file(blob_, error) && fs::file_size(blob_, error) == wanted_.file.size) {
    // Another process has brought it, or it is a file of another commit, too.
    context_.cache.link(wanted_.repository, wanted_.file);
    partial_.reset();
    lock_.reset();
    stage_ = Stage::kDone;
    return;
  }
  if (!partial_) {
    partial_ = std::make_unique<PartialFile>(
        context_.cache.partial(wanted_.repository, wanted_.file.hash), wanted_.file);
  }
  if (partial_->size() == wanted_.file.size) {
    settle();
    return;
  }
  from = partial_->size();
  answering_ = false;
  fault_.clear();
  stage_ = Stage::kMoving;
  context_.engine.start(*this);
}

// Called by a library that knows no exceptions.
bool FileDownload::take(const HttpHead& head, std::string_view bytes) {
  if (head.status != 200 && head.status != 206) return false;  // a page of words: see ended()
  try {
    if (!answering_ && !begin_answer(head)) return false;
    answering_ = true;
    if (!partial_->append(bytes)) {
      fault_ = "more came than its " + std::to_string(wanted_.file.size) + " bytes";
      return false;
    }
    received_ += bytes.size();
    retry_.progress();
    return true;
  } catch (...) {
    error_ = std::current_exception();
    return false;
  }
}

// Whether what begins here is what was asked for.
bool FileDownload::begin_answer(const HttpHead& head) {
  std::string whole = header(head.last, "content-length");
  if (head.status == 206) {
    const auto range = content_range(header(head.last, "content-range"));
    if (!range || range->first != from) {
      fault_ = "other bytes came than were asked for";
      return false;
    }
    whole = std::to_string(range->second);
  } else if (from > 0) {
    partial_->clear();  // it knows no ranges: everything comes again
  }
  if (whole.empty() || whole == std::to_string(wanted_.file.size)) return true;
  fault_ = "it has " + printable(whole) + " bytes there, and " + std::to_string(wanted_.file.size) +
           " by the hub's listing";
  return false;
}

void FileDownload::ended(const HttpEnd& ended) {
  HttpEnd end = ended;
  if (end.outcome == HttpOutcome::kStopped) end.outcome = HttpOutcome::kAnswered;
  stage_ = Stage::kLocked;
  if (error_) std::rethrow_exception(error_);
  if (!fault_.empty()) {
    partial_->clear();
    damaged(fault_);
    return;
  }
  if (end.outcome == HttpOutcome::kAnswered) {
    auto reference = wanted_.repository;
    reference.path = wanted_.file.path;
    refuse_status(end.head, reference, context_.settings);
    if (partial_->size() == wanted_.file.size) {
      settle();
      return;
    }
    if (end.head.status < 300) {
      end.outcome = HttpOutcome::kCut;
      end.reason = "the answer was too short";
    }
    if (end.head.status == 416) {  // there is less of it than is here
      partial_->clear();
      end.head.status = 503;
    }
  }
  if (!retry_.again(end)) {
    throw HubUnreachable(
        name() + ": " + context_.settings.endpoint + ": " + what_happened(end) +
        (is_worth_another_try(end) ? "; the same command again goes on from there" : ""));
  }
  context_.view.note(name() + ": " + what_happened(end) + "; goes on");
}

void FileDownload::settle() {
  partial_->settle();
  stage_ = Stage::kSettling;
}

void FileDownload::finish() {
  const auto hash = partial_->finish(blob_);
  stage_ = Stage::kLocked;
  if (hash.empty()) {
    context_.cache.link(wanted_.repository, wanted_.file);
    partial_.reset();
    lock_.reset();
    stage_ = Stage::kDone;
    return;
  }
  damaged("its hash is " + hash + ", and " + wanted_.file.hash + " by the hub's listing");
}

// Nothing of it is kept. Once, it may have been on the way.
void FileDownload::damaged(const std::string& how) {
  const auto text = name() + ": what came is not the file: " + how;
  if (++times_damaged_ >= kMostDamaged || !retry_.again_soon()) {
    throw DataError(text + "; nothing of it is kept: try later, or tell its owner");
  }
  context_.view.note(text + "; fetched again");
}

// A limit on the size of files shall be an error and not the end of the process.
class NoSizeSignal {
 public:
  NoSizeSignal() : before_(std::signal(SIGXFSZ, SIG_IGN)) {}
  NoSizeSignal(const NoSizeSignal&) = delete;
  NoSizeSignal& operator=(const NoSizeSignal&) = delete;
  ~NoSizeSignal() { std::signal(SIGXFSZ, before_); }

 private:
  void (*before_)(int);
};

class Downloads {
 public:
  Downloads(const DownloadContext& context, const std::vector<HubDownload>& wanted)
      : context_(context) {
    for (const auto& each : wanted) waiting_.push_back(each);
    // Large ones first: the small ones fill what is left beside them.
    std::ranges::stable_sort(waiting_, [](const HubDownload& a, const HubDownload& b) {
      return a.file.size < b.file.size;
    });
    progress_.files = waiting_.size();
    for (const auto& each : waiting_) progress_.bytes += each.file.size;
  }

  bool run() {
    context_.view.begin(progress_);
    while (!waiting_.empty() || !active_.empty()) {
      if (context_.should_stop && context_.should_stop()) return false;
      fill();
      const bool settling = std::ranges::any_of(active_, &FileDownload::is_settling);
      const auto ended = context_.engine.wait(settling ? kLook / 10 : kLook);
      for (const auto& [transfer, end] : ended) of(transfer).ended(end);
      for (auto& each : active_) each->step();
      collect();
      context_.view.update(state());
    }
    context_.view.end(state());
    return true;
  }

 private:
  void fill() {
    while (!waiting_.empty() && active_.size() < context_.settings.parallel) {
      // Of two files of one content, the second finds the bytes there.
      const auto next = std::ranges::find_if(waiting_.rbegin(), waiting_.rend(),
                                             [&](const auto& each) { return !is_active(each); });
      if (next == waiting_.rend()) return;
      active_.push_back(std::make_unique<FileDownload>(context_, *next));
      waiting_.erase(std::next(next).base());
      active_.back()->step();
    }
  }

  [[nodiscard]] bool is_active(const HubDownload& wanted) const {
    return std::ranges::any_of(
        active_, [&](const auto& each) { return each->file().hash == wanted.file.hash; });
  }

  FileDownload& of(const HttpTransfer* transfer) {
    return **std::ranges::find_if(active_,
                                  [&](const auto& each) { return each.get() == transfer; });
  }

  void collect() {
    std::erase_if(active_, [&](const auto& each) {
      if (!each->is_done()) return false;
      ++progress_.files_done;
      done_bytes_ += each->file().size;
      done_received_ += each->received();
      return true;
    });
  }

  HubProgress state() {
    progress_.bytes_done = done_bytes_;
    progress_.received = done_received_;
    std::uint64_t most = 0;
    for (const auto& each : active_) {
      progress_.bytes_done += each->bytes_there();
      progress_.received += each->received();
      const auto left = each->file().size - each->bytes_there();
      if (left < most) continue;
      most = left;
      progress_.current = each->file().path;
    }
    return progress_;
  }

  const DownloadContext& context_;
  std::vector<HubDownload> waiting_;  // the next one last
  std::vector<std::unique_ptr<FileDownload>> active_;
  HubProgress progress_;
  std::uint64_t done_bytes_ = 0;
  std::uint64_t done_received_ = 0;
};

// Said before anything is written, where it can be.
void check_space(const DownloadContext& context, const std::vector<HubDownload>& wanted) {
  std::uint64_t needed = 0;
  std::error_code error;
  for (const auto& each : wanted) {
    if (fs::exists(context.cache.blob(each.repository, each.file.hash), error)) continue;
    const auto there = fs::file_size(context.cache.partial(each.repository, each.file.hash), error);
    needed += each.file.size - (error ? 0 : std::min<std::uint64_t>(there, each.file.size));
  }
  make_folders(context.cache.folder());
  const auto space = fs::space(context.cache.folder(), error);
  if (error || space.available >= needed) return;
  throw DiskFull(context.cache.folder().string() + ": " + std::to_string(needed / 1000000) +
                 " MB are to come, and " + std::to_string(space.available / 1000000) +
                 " MB are free; HF_HOME names another place");
}

}  // namespace

bool download(const DownloadContext& context, const std::vector<HubDownload>& wanted) {
  const NoSizeSignal guard;
  check_space(context, wanted);
  return Downloads(context, wanted).run();
}

std::string url_text(const std::string& text, bool slashes) {
  static constexpr std::string_view kPlain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  static constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string url;
  for (const char c : text) {
    if (kPlain.find(c) != kPlain.npos || (slashes && c == '/')) {
      url += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    url += '%';
    url += kDigits[byte >> 4];
    url += kDigits[byte & 15];
  }
  return url;
}

std::string file_url(const HubSettings& settings, const HubDownload& download) {
  const auto& repository = download.repository;
  return settings.endpoint + (repository.kind == HubKind::kDataset ? "/datasets/" : "/") +
         repository.id + "/resolve/" + url_text(repository.revision, false) + "/" +
         url_text(download.file.path, true);
}

}  // namespace mvn
