#include "orchestrate/process/signals.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "mvn/error.h"

namespace mvn {

namespace {

bool is_ignored(int signal) {
  struct sigaction action {};
  return ::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

}  // namespace

Signals::Signals() : ignores_terminal_(is_ignored(SIGINT)) {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1, SIGUSR2, SIGCHLD, SIGWINCH}) {
    sigaddset(&set, signal);
  }
  // A blocked signal is delivered though it is ignored.
  if (!is_ignored(SIGHUP)) sigaddset(&set, SIGHUP);
  sigprocmask(SIG_BLOCK, &set, &before_);
  pipe_before_ = ::signal(SIGPIPE, SIG_IGN);
  descriptor_ = Descriptor(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!descriptor_.is_open()) {
    throw Error(std::string("cannot watch for signals: ") + std::strerror(errno));
  }
}

Signals::~Signals() {
  ::signal(SIGPIPE, pipe_before_);
  sigprocmask(SIG_SETMASK, &before_, nullptr);
}

ArrivedSignals Signals::take() {
  ArrivedSignals arrived;
  signalfd_siginfo info{};
  while (::read(descriptor_.get(), &info, sizeof info) == sizeof info) {
    switch (info.ssi_signo) {
      case SIGINT:
        if (!ignores_terminal_ || info.ssi_code != SI_KERNEL) ++arrived.interrupts;
        break;
      case SIGHUP:
        hung_up_ = true;
        ++arrived.terminations;
        break;
      case SIGTERM:
        ++arrived.terminations;
        break;
      case SIGUSR1:
        arrived.pause = true;
        break;
      case SIGUSR2:
        arrived.resume = true;
        break;
      case SIGCHLD:
        arrived.child = true;
        break;
      default:
        arrived.resized = true;
        break;
    }
  }
  return arrived;
}

}  // namespace mvn
