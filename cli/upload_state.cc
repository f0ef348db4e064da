#include "cli/upload_state.h"

#include "cli/output.h"

namespace tidemark::cli {
namespace {

uint64_t NumbersIn(const google::protobuf::RepeatedPtrField<v1::NumberRange>& ranges) {
  uint64_t numbers = 0;
  for (const v1::NumberRange& range : ranges) numbers += range.end() - range.begin();
  return numbers;
}

}  // namespace

double DuplicateRatio(const v1::WriterState& state) {
  const uint64_t quarantined = NumbersIn(state.quarantined());
  const double all =
      static_cast<double>(state.stored_chunks() + quarantined + state.duplicate_chunks());
  return all == 0 ? 0 : static_cast<double>(state.duplicate_chunks()) / all;
}

std::optional<double> SecondsBehind(const v1::WriterState& state, int64_t now_ns) {
  if (!state.has_newest_study_ns()) return std::nullopt;
  // In doubles: a stamp may lie anywhere.
  return (static_cast<double>(now_ns) - static_cast<double>(state.newest_study_ns())) / 1e9;
}

Json DescribeWriter(const v1::WriterState& state, int64_t now_ns) {
  Json json = Json::Object({{"writer_id", state.writer_id()},
                            {"high_water", state.high_water()},
                            {"stored_chunks", state.stored_chunks()},
                            {"quarantined_numbers", NumbersIn(state.quarantined())},
                            {"abandoned_numbers", NumbersIn(state.abandoned())},
                            {"refused_numbers", NumbersIn(state.refused())},
                            {"missing_numbers", NumbersIn(state.missing())},
                            {"lists_cut", state.truncated()},
                            {"duplicate_chunks", state.duplicate_chunks()},
                            {"duplicate_ratio", DuplicateRatio(state)},
                            {"last_receipt_at", FormatTime(state.last_receipt_at())},
                            {"newest_study_time", nullptr},
                            {"behind_s", nullptr}});
  if (const auto behind_s = SecondsBehind(state, now_ns)) {
    json.Set("newest_study_time", FormatTimeNs(state.newest_study_ns()));
    json.Set("behind_s", *behind_s);
  }
  return json;
}

}  // namespace tidemark::cli
