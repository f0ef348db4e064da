#include "ingest/client/backoff.h"

#include <algorithm>

namespace tidemark::ingest {
namespace {

constexpr int kDoublingsMax = 30;  // keeps the product finite; the cap holds long before

}  // namespace

absl::Duration Backoff::Next() {
  const int doublings = std::min(failures_++, kDoublingsMax);
  const absl::Duration ceiling =
      std::min(options_.cap, options_.base * static_cast<double>(uint64_t{1} << doublings));
  return ceiling * std::uniform_real_distribution<double>(0, 1)(random_);
}

}  // namespace tidemark::ingest
