// Two arms on the same texts: whether each of their trained models is right about each text. Pure
// functions.
#pragma once

#include <cstdint>
#include <vector>

#include "orchestrate/answers/exact_tests.h"

namespace mvn {

// An arm's models: for each, 1 for every text that it is right about, else 0. All have one length.
using Rights = std::vector<std::vector<unsigned char>>;

// The mean share of texts that arm `a` is right about less that of `b`, and whether it would be as
// far from 0 if the arms were exchanged text by text at random. All exchanges are counted. It is
// scipy.stats.permutation_test((a's mean by text, b's), difference of means,
// permutation_type='samples'); with a model each it is McNemar's exact test.
struct ExchangeTest : ExactTest {
  double difference = 0;
};
ExchangeTest exchange_test(const Rights& a, const Rights& b);

// The middle 95 % of that difference over draws, with replacement, of the models of either arm and
// of the texts, which are drawn for both together: the multi-bootstrap of Sellam and others, ICLR
// 2022, arXiv:2106.16163. The same draws for the same numbers. Of few models it is too narrow.
struct TextInterval {
  double low = 0;
  double high = 0;
};
inline constexpr int kTextDraws = 2000;
TextInterval bootstrap_interval(const Rights& a, const Rights& b);

}  // namespace mvn
