// What pip puts into a `bin` folder as mvn-runner and as mvn-worker: becomes the program of this
// name in the package mvn_runner of the same environment. No Python is started.
//
// It is static and runs on every Linux of its processor, so that it can say where the program
// cannot.
#include <fcntl.h>
#include <glob.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

constexpr int kCannotRun = 126;

std::string own_file() {
  std::array<char, 4096> path{};
  const ssize_t size = ::readlink("/proc/self/exe", path.data(), path.size());
  return size > 0 ? std::string(path.data(), static_cast<std::size_t>(size)) : std::string();
}

std::string folder_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

// The newest file that matches: several Pythons may share a `bin` folder, whose programs are those
// of the last installation.
std::string newest(const std::string& pattern) {
  glob_t found{};
  std::string file;
  timespec time{};
  if (::glob(pattern.c_str(), 0, nullptr, &found) == 0) {
    for (std::size_t i = 0; i < found.gl_pathc; ++i) {
      struct stat info {};
      if (::stat(found.gl_pathv[i], &info) != 0) continue;
      const bool later = info.st_ctim.tv_sec != time.tv_sec ? info.st_ctim.tv_sec > time.tv_sec
                                                            : info.st_ctim.tv_nsec > time.tv_nsec;
      if (!file.empty() && !later) continue;
      file = found.gl_pathv[i];
      time = info.st_ctim;
    }
  }
  ::globfree(&found);
  return file;
}

std::string find_program(const std::string& bin, const std::string& name) {
  const std::string program = "/mvn_runner/native/bin/" + name;
  // pip install --target lays `bin` beside the packages.
  for (const char* packages : {"/../lib*/python3*/*-packages", "/.."}) {
    std::string pattern = bin;
    pattern.append(packages).append(program);
    if (auto file = newest(pattern); !file.empty()) return file;
  }
  return "";
}

// Whether the machine's glibc has this version: its library names all that it has.
bool has_glibc(const std::string& version) {
  for (const char* file : {"/lib64/libc.so.6", "/lib/x86_64-linux-gnu/libc.so.6",
                           "/usr/lib64/libc.so.6", "/usr/lib/libc.so.6"}) {
    const int descriptor = ::open(file, O_RDONLY | O_CLOEXEC);
    struct stat info {};
    if (descriptor < 0 || ::fstat(descriptor, &info) != 0) continue;
    const auto size = static_cast<std::size_t>(info.st_size);
    const void* text = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    const bool found =
        text != MAP_FAILED && ::memmem(text, size, version.c_str(), version.size() + 1) != nullptr;
    ::close(descriptor);
    if (found) return true;
    if (text != MAP_FAILED) return false;
  }
  return true;  // elsewhere: the loader will tell
}

// The version that the wheel was made for, "2.35"; "" where nothing says so.
std::string wanted_glibc(const std::string& native) {
  std::array<char, 32> text{};
  const int descriptor = ::open((native + "/lib/mvn/glibc-version").c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return "";
  const ssize_t size = ::read(descriptor, text.data(), text.size() - 1);
  ::close(descriptor);
  const std::string all(text.data(), static_cast<std::size_t>(size > 0 ? size : 0));
  return all.substr(0, all.find('\n'));
}

bool is_readable(const std::string& file) { return ::access(file.c_str(), R_OK) == 0; }

// The wheel's libcurl looks for certificates where Debian has them. On other systems SSL_CERT_FILE
// tells where they are; where a container has none at all, those that pip itself goes by do.
void name_certificates(const std::string& packages) {
  if (is_readable("/etc/ssl/certs/ca-certificates.crt")) return;
  for (const char* given : {"SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"}) {
    if (std::getenv(given) != nullptr) return;
  }
  for (const std::string& file :
       {std::string("/etc/pki/tls/certs/ca-bundle.crt"), std::string("/etc/ssl/ca-bundle.pem"),
        std::string("/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem"),
        std::string("/etc/ssl/cert.pem"), packages + "/certifi/cacert.pem",
        packages + "/pip/_vendor/certifi/cacert.pem"}) {
    if (!is_readable(file)) continue;
    ::setenv("SSL_CERT_FILE", file.c_str(), /*overwrite=*/0);
    return;
  }
}

int fail(const std::string& name, const std::string& message) {
  std::fprintf(stderr, "%s: %s\n", name.c_str(), message.c_str());
  return kCannotRun;
}

}  // namespace

int main(int, char** argv) {
  const std::string own = own_file();
  const std::string name = own.substr(own.rfind('/') + 1);
  const std::string program = find_program(folder_of(own), name);
  if (program.empty()) {
    return fail(name,
                "the Python package mvn_runner is not where it was installed, beside " +
                    folder_of(own) +
                    "; install it again: python3 -m pip install --force-reinstall mvn-runner");
  }
  const std::string native = folder_of(folder_of(program));
  const std::string glibc = wanted_glibc(native);
  if (!glibc.empty() && !has_glibc("GLIBC_" + glibc)) {
    return fail(name,
                "this machine's glibc is older than " + glibc +
                    ", which the wheel was made for; build it from the source on this machine "
                    "(docs/building.md), or use a newer system, in a container say");
  }
  name_certificates(folder_of(folder_of(native)));
  ::execv(program.c_str(), argv);
  return fail(name, program + ": " + std::strerror(errno));
}
