// Places whose workers are processes of this runner: in each at most one, which runs one trial
// after the other, or a program of the user's. They are of this machine, or reached through a
// launcher.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "orchestrate/process/killed_for_memory.h"
#include "orchestrate/workers/packer.h"
#include "orchestrate/workers/worker.h"
#include "orchestrate/workers/workplaces.h"

namespace mvn {

// Seconds of a steady clock.
using Clock = std::function<double()>;
Clock steady_clock();

class LocalWorkplaces : public Workplaces {
 public:
  struct Parts {
    std::vector<Place> places;
    ProcessSpec worker;                     // how a persistent worker is started
    std::filesystem::path programs_folder;  // that programs of the user's are named from
    Packer packer = Packer({});
    Clock clock = steady_clock();
    std::function<std::int64_t()> killed_for_memory = killed_for_memory_here;
  };
  explicit LocalWorkplaces(Parts parts);
  ~LocalWorkplaces() override;

  // More places. They are numbered on from those that are there; these are their numbers.
  std::vector<std::size_t> add(std::vector<Place> places);
  // No more attempts are given to these places; what runs there goes on.
  void close(const std::vector<std::size_t>& places);
  [[nodiscard]] std::vector<AttemptName> attempts_in(const std::vector<std::size_t>& places) const;

  [[nodiscard]] bool has_free() const override;
  [[nodiscard]] bool is_clearing() const override;
  [[nodiscard]] bool goes_by_memory() const override;
  [[nodiscard]] std::optional<Place> can_take(std::size_t trial,
                                              const std::string& shape) const override;
  void start(AttemptOrder order) override;
  void checkpoint(const AttemptName& attempt) override;
  void kill(const AttemptName& attempt) override;
  void kill_all() override;
  void dismiss() override;
  std::vector<WorkplaceEvent> wait(std::chrono::duration<double> at_most, int wake) override;
  void learn_memory(const std::string& shape, std::int64_t bytes) override;
  void learn_overflow(std::size_t trial, const std::string& shape) override;

 private:
  struct Seat {
    Place place;
    std::unique_ptr<Worker> worker;
    std::unique_ptr<AttemptOrder> order;  // of the attempt that it has
    std::optional<double> leaves_by;      // the worker was told to end; killed after this time
    bool closed = false;
    std::int64_t killed_for_memory = 0;  // of this machine's processes, when the attempt began
  };

  [[nodiscard]] static bool is_free(const Seat& seat);
  [[nodiscard]] bool has_room(const Seat& seat, std::size_t trial, const std::string& shape) const;
  [[nodiscard]] static std::string place_text(const Seat& seat);
  [[nodiscard]] Seat* seat_of(const AttemptName& attempt);
  void hand_over(Seat& seat);
  void let_go(Seat& seat);
  void dismiss_idle_sharers();
  void poll_workers(std::chrono::duration<double> at_most, int wake);
  void take_replies(Seat& seat);
  void take_death(Seat& seat);
  bool end_order(Seat& seat);

  Parts parts_;
  std::vector<Seat> seats_;
  std::vector<WorkplaceEvent> events_;
};

}  // namespace mvn
