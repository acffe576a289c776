// report, ui, show, top, curve: results to look at.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <memory>
#include <sstream>

#include "common/text.h"
#include "orchestrate/page/report_file.h"
#include "orchestrate/page/server.h"
#include "orchestrate/page/terminal.h"
#include "orchestrate/process/run_to_end.h"
#include "orchestrate/sessions/find_trial.h"
#include "orchestrate/store/store.h"
#include "orchestrate/store/table.h"
#include "runner/commands/commands.h"

namespace mvn {
namespace {

constexpr const char* kByHelp =
    "Parameter whose values the verdict compares (model.plugin, where it varies)";

// Of the page of a sweep, in the working directory.
std::string file_name(const std::filesystem::path& sweep) {
  const auto extension = sweep.extension();
  const bool is_file = extension == ".yaml" || extension == ".yml";
  return (is_file ? sweep.stem() : sweep.filename()).string() + ".html";
}

Action define_report(CLI::App& app) {
  struct Options {
    PageRequest request;
    std::string output;
  };
  const auto options = std::make_shared<Options>();
  app.add_option("sweep", options->request.sweep, "Its name, or its file")
      ->type_name("SWEEP")
      ->required();
  app.add_option("-o,--output", options->output, "File to write; - is standard output (SWEEP.html)")
      ->type_name("FILE");
  app.add_option("--by", options->request.by, kByHelp)->type_name("KEY");
  return [options](const CommonOptions& common, std::ostream& out) {
    const auto database = database_path(common.results);
    const auto html = report_html(database, options->request);
    auto file = options->output;
    if (file.empty()) file = file_name(options->request.sweep);
    write_or_print(html, file == "-" ? "" : file, out);
    return 0;
  };
}

// How to reach a port of this machine from the one that the user sits at.
void explain_ssh(const std::string& url, std::ostream& out) {
  const char* connection = std::getenv("SSH_CONNECTION");
  if (connection == nullptr) return;
  // "client port server port"
  std::istringstream words(connection);
  std::string client;
  std::string client_port;
  std::string server;
  words >> client >> client_port >> server;
  const auto colon = url.rfind(':');
  const auto port = url.substr(colon + 1, url.find('/', colon) - colon - 1);
  const char* user = std::getenv("USER");
  out << "From your own machine: ssh -L " << port << ":127.0.0.1:" << port << ' '
      << (user == nullptr ? "" : std::string(user) + "@") << server
      << ", then open the same address there\n";
}

void open_browser(const std::string& url, std::ostream& out) {
  try {
    Signals signals;
    ProcessSpec browser;
    browser.command = {"xdg-open", url};
    browser.supervised = false;
    const auto result = run_to_end(browser, "", signals, {.grace = 1, .limit = 10});
    if (result.end.success()) return;
  } catch (const Error&) {
    // There is none: said below.
  }
  out << "xdg-open could not open a browser: open the address yourself" << std::endl;
}

Action define_ui(CLI::App& app) {
  struct Options {
    std::string sweep;
    std::string by;
    int port = -1;
    bool open = false;
  };
  const auto options = std::make_shared<Options>();
  app.add_option("sweep", options->sweep, "Its name, or its file (a list of all there are)")
      ->type_name("SWEEP");
  app.add_option("--port", options->port,
                 "Port of 127.0.0.1 (" + std::to_string(kUsualPort) + ", or a free one)")
      ->type_name("N")
      ->check(CLI::Range(0, 65535));
  app.add_flag("--open", options->open, "Open the browser");
  app.add_option("--by", options->by, kByHelp)->type_name("KEY");
  return [options](const CommonOptions& common, std::ostream& out) {
    PageServerOptions server{
        .database = database_path(common.results), .sweep = options->sweep, .by = options->by};
    if (options->port >= 0) server.port = options->port;
    server.started = [&](const std::string& url) {
      out << "The page is " << url << "  (Ctrl-C ends it)" << std::endl;
      explain_ssh(url, out);
      out.flush();
      if (options->open) open_browser(url, out);
    };
    serve_page(server);
    return 0;
  };
}

TerminalOptions terminal_options(const CommonOptions& common) {
  return {.database = database_path(common.results), .width = terminal_width(STDOUT_FILENO)};
}

// The trial that the first digits name, and its sweep.
TrialRecord named_trial(const CommonOptions& common, const std::string& prefix) {
  const ResultsReader reader(database_path(common.results));
  return find_trial(reader, common.results, prefix);
}

Action define_show(CLI::App& app) {
  struct Options {
    std::string trial;
    std::string metric;
    bool json = false;
  };
  const auto options = std::make_shared<Options>();
  app.add_option("trial", options->trial, "The beginning of its id")
      ->type_name("TRIAL")
      ->required();
  app.add_option("--metric", options->metric, "Draw this metric (the sweep's)")->type_name("NAME");
  app.add_flag("--json", options->json, "As JSON, all of it");
  return [options](const CommonOptions& common, std::ostream& out) {
    const auto found = named_trial(common, options->trial);
    auto terminal = terminal_options(common);
    terminal.sweep = found.sweep;
    terminal.metric = options->metric;
    terminal.json = options->json;
    show_trial(terminal, found.trial.id, out);
    return 0;
  };
}

struct RankedOptions {
  std::string what;
  std::string metric;
  std::size_t most = 10;
  bool json = false;

  void add_to(CLI::App& app) {
    app.add_option("-n", most, "How many configurations (" + std::to_string(most) + ")")
        ->type_name("N")
        ->check(number_of_at_least(1));
    app.add_option("--metric", metric, "Judge by this metric (the sweep's)")->type_name("NAME");
    app.add_flag("--json", json, "As JSON");
  }
  [[nodiscard]] TerminalOptions on_terminal(const CommonOptions& common) const {
    auto terminal = terminal_options(common);
    terminal.sweep = what;
    terminal.metric = metric;
    terminal.most = most;
    terminal.json = json;
    return terminal;
  }
};

Action define_top(CLI::App& app) {
  const auto options = std::make_shared<RankedOptions>();
  app.add_option("sweep", options->what, "Its name, or its file (the one that ran last)")
      ->type_name("SWEEP");
  options->add_to(app);
  return [options](const CommonOptions& common, std::ostream& out) {
    show_top(options->on_terminal(common), out);
    return 0;
  };
}

bool may_be_trial(const std::string& what) {
  return !what.empty() && what.find_first_not_of("0123456789abcdef") == std::string::npos;
}

Action define_curve(CLI::App& app) {
  const auto options = std::make_shared<RankedOptions>();
  options->most = 6;
  app.add_option("what", options->what,
                 "The beginning of a trial's id, or a sweep's name or file (the one that ran last)")
      ->type_name("TRIAL|SWEEP");
  options->add_to(app);
  return [options](const CommonOptions& common, std::ostream& out) {
    auto terminal = options->on_terminal(common);
    if (!may_be_trial(options->what) || has_sweep(terminal.database, options->what)) {
      show_sweep_curves(terminal, out);
      return 0;
    }
    const auto found = named_trial(common, options->what);
    terminal.sweep = found.sweep;
    show_trial_curve(terminal, found.trial.id, out);
    return 0;
  };
}

}  // namespace

std::vector<CommandRow> page_commands() {
  return {
      {.name = "report",
       .help = "Write a page of a sweep's results: one file that any browser opens",
       .examples = {{"report demo -o demo.html", "a page of its results, to look at or to send"}},
       .define = define_report},
      {.name = "ui",
       .help = "Show that page in the browser while the sweep runs",
       .examples = {{"ui demo --open", "the same page, live, while it runs"}},
       .define = define_ui},
      {.name = "top",
       .help = "Show the best configurations of a sweep, with intervals",
       .examples = {{"top demo -n 5", "its best configurations, with intervals"}},
       .define = define_top},
      {.name = "show",
       .help = "Show all that is known of a trial",
       .examples = {{"show 3f2a", "a trial: what sets it apart, its curve, its files"}},
       .define = define_show},
      {.name = "curve",
       .help = "Draw learning curves in the terminal",
       .examples = {{"curve demo --metric eval/loss", "learning curves of the best, as text"}},
       .define = define_curve}};
}

}  // namespace mvn
