#include "orchestrate/slurm/holders.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>

namespace mvn {
namespace {

using Answer = Question::Answer;

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text.append(text.empty() ? "" : " ").append(word);
  return text;
}

// A Slurm whose answers are a script, and a clock that a test moves.
class HoldersTest : public testing::Test {
 protected:
  class Answered : public Question {
   public:
    explicit Answered(Answer answer) : answer_(std::move(answer)) {}
    std::optional<Answer> poll() override { return answer_; }

   private:
    Answer answer_;
  };

  Holders holders(std::size_t most) {
    return Holders({.request = {.time = "60"},
                    .sweep = "demo",
                    .runner = "7",
                    .log = "node-%j.log",
                    .most = most,
                    .clock = [this] { return now_; },
                    .say = [this](const std::string& line) { said_.push_back(line); },
                    .ask =
                        [this](const std::vector<std::string>& command) {
                          asked_.push_back(joined(command));
                          auto answer = answers_.empty() ? Answer{true, "", ""} : answers_.front();
                          if (!answers_.empty()) answers_.pop_front();
                          return std::make_unique<Answered>(std::move(answer));
                        }});
  }

  // What is new within so many seconds of looking each second.
  static void join(Holders::News& all, Holders::News more) {
    all.arrived.insert(all.arrived.end(), more.arrived.begin(), more.arrived.end());
    all.gone.insert(all.gone.end(), more.gone.begin(), more.gone.end());
  }
  Holders::News look(Holders& holders, std::size_t wanted, int seconds) {
    Holders::News all;
    for (int i = 0; i < seconds; ++i) {
      join(all, holders.look_after(wanted));  // asks
      join(all, holders.look_after(wanted));  // hears
      now_ += 1;
    }
    return all;
  }
  [[nodiscard]] std::size_t asked(const std::string& program) const {
    return static_cast<std::size_t>(std::ranges::count_if(
        asked_, [&](const std::string& each) { return each.starts_with(program); }));
  }

  double now_ = 0;
  std::deque<Answer> answers_;
  std::vector<std::string> asked_;
  std::vector<std::string> said_;
};

TEST_F(HoldersTest, AskForAsManyNodesAsAreOfUseAndTakeThemAsTheyCome) {
  auto all = holders(3);
  answers_ = {{true, "12\n", ""},
              {true, "13|12|RUNNING|n2|2026-01-31T12:00:00\n12|12|PENDING||N/A\n", ""},
              {true, "", ""},  // of scancel
              {true, "13|12|RUNNING|n2|2026-01-31T12:00:00\n14|12|RUNNING|n3|N/A\n", ""}};
  const auto first = look(all, 2, 20);
  ASSERT_EQ(first.arrived.size(), 1);
  EXPECT_EQ(first.arrived[0].job, "13");
  EXPECT_EQ(first.arrived[0].name, "n2");
  EXPECT_TRUE(first.arrived[0].ends.has_value());
  const auto second = look(all, 0, 1);  // nothing waits: what has not come need not
  EXPECT_TRUE(second.arrived.empty());
  EXPECT_EQ(asked("scancel --state=PENDING 12"), 1);
  const auto third = look(all, 0, 30);
  ASSERT_EQ(third.arrived.size(), 1);  // it had come meanwhile
  EXPECT_FALSE(third.arrived[0].ends.has_value());
  EXPECT_EQ(asked("sbatch"), 1);
  EXPECT_TRUE(said_.empty());
}

TEST_F(HoldersTest, AskSlurmNoMoreThanTwiceAMinute) {
  auto all = holders(1);
  answers_.assign(1, {true, "12\n", ""});
  answers_.resize(100, {true, "12|12|RUNNING|n2|N/A\n", ""});
  look(all, 5, 600);
  EXPECT_EQ(asked("sbatch"), 1);
  EXPECT_LE(asked("squeue"), 20);
  EXPECT_GE(asked("squeue"), 19);
}

TEST_F(HoldersTest, ANodeThatIsGoneIsAskedForAgain) {
  auto all = holders(1);
  answers_ = {{true, "12;cluster\n", ""},
              {true, "12|12|RUNNING|n2|N/A\n", ""},
              {false, "", "slurm_load_jobs error: Invalid job id specified\n"},
              {true, "15\n", ""},
              {true, "15|15|RUNNING|n1|N/A\n", ""}};
  const auto news = look(all, 1, 70);
  ASSERT_EQ(news.arrived.size(), 2);
  EXPECT_EQ(news.gone, std::vector<std::string>{"12"});
  EXPECT_EQ(news.arrived[1].name, "n1");
  EXPECT_TRUE(said_.empty());
}

TEST_F(HoldersTest, ThreeThatDidNotComeAreTheLast) {
  auto all = holders(1);
  for (int i = 0; i < 10; ++i) answers_.push_back({false, "", "sbatch: error: Invalid qos\n"});
  look(all, 1, 600);
  EXPECT_EQ(asked("sbatch"), 3);
  ASSERT_EQ(said_.size(), 3);
  EXPECT_EQ(said_[0],
            "1 further node of Slurm did not come: sbatch says: sbatch: error: Invalid qos");
  EXPECT_TRUE(said_[2].ends_with("Invalid qos; no more are asked for")) << said_[2];
}

TEST_F(HoldersTest, AHolderThatEndsAtOnceDidNotCome) {
  auto all = holders(1);
  answers_ = {{true, "12\n", ""}, {true, "", ""}};
  look(all, 1, 10);
  ASSERT_EQ(said_.size(), 1);
  EXPECT_EQ(said_[0], "1 further node of Slurm did not come: see node-%j.log");
}

TEST_F(HoldersTest, AQueueThatDoesNotAnswerIsAskedLessAndLess) {
  auto all = holders(1);
  answers_.assign(1, {true, "12\n", ""});
  answers_.resize(100, {false, "", "slurm_load_jobs error: Socket timed out\n"});
  look(all, 1, 600);
  EXPECT_LE(asked("squeue"), 6);
  EXPECT_EQ(said_[0],
            "squeue says: slurm_load_jobs error: Socket timed out; Slurm is asked again in 30.0 s, "
            "what runs goes on meanwhile");
}

TEST_F(HoldersTest, ANodeThatWasGivenBackIsNoNews) {
  auto all = holders(1);
  answers_ = {{true, "12\n", ""},
              {true, "12|12|RUNNING|n2|N/A\n", ""},
              {true, "", ""},
              {true, "12|12|RUNNING|n2|N/A\n", ""}};
  look(all, 1, 5);
  all.give_back("12");
  EXPECT_EQ(asked("scancel 12"), 1);
  const auto news = look(all, 0, 60);
  EXPECT_TRUE(news.arrived.empty());
  EXPECT_TRUE(news.gone.empty());
}

TEST(HolderArguments, AreThoseOfTheSweepsOwnJob) {
  const SlurmRequest request{.partition = "gpu", .gpus = "2", .extra = {"--exclusive"}};
  const auto words = holder_arguments(request, "demo", "7", "log", 3, {"n4", "n9"});
  const auto has = [&](const std::string& word) {
    return std::ranges::find(words, word) != words.end();
  };
  for (const char* word : {"--array=1-3", "--no-requeue", "--partition=gpu", "--gpus=2",
                           "--exclusive", "--exclude=n4,n9", "--nodes=1"}) {
    EXPECT_TRUE(has(word)) << word;
  }
  EXPECT_NE(words.back().find("srun --jobid=7 "), std::string::npos) << words.back();
}

}  // namespace
}  // namespace mvn
