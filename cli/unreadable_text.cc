#include "cli/unreadable_text.h"

#include <fmt/format.h>

#include <map>

#include "cli/output.h"
#include "cli/sample_printer.h"

namespace tidemark::cli {

std::string_view UnreadableWord(v1::UnreadableReason reason) {
  switch (reason) {
    case v1::UNREADABLE_REASON_ERASED:
      return "erased";
    case v1::UNREADABLE_REASON_DAMAGED:
      return "damaged";
    case v1::UNREADABLE_REASON_QUARANTINED:
      return "quarantined";
    case v1::UNREADABLE_REASON_NO_CONSENT:
      return "no consent";
    default:
      return "unreadable";
  }
}

std::string UnreadableLine(const v1::UnreadableChunks& chunks,
                           const v1::ClockPlacement* placement) {
  std::string line = fmt::format("cannot be read ({}): chunks {} to {} of writer {}",
                                 UnreadableWord(chunks.reason()), chunks.first_number(),
                                 chunks.last_number(), chunks.writer_id());
  if (!chunks.has_device_range()) return line;
  line += fmt::format(", {} samples", chunks.samples());
  const v1::TimeRange& range = chunks.device_range();
  if (placement == nullptr) {
    return line + fmt::format(", device time {} to {} ns", range.begin_ns(), range.end_ns());
  }
  return line + fmt::format(", {} to {}",
                            FormatTimeNs(PlaceOnStudyTime(*placement, range.begin_ns())),
                            FormatTimeNs(PlaceOnStudyTime(*placement, range.end_ns())));
}

std::string UnreadableNote(std::string_view stream,
                           const google::protobuf::RepeatedPtrField<v1::UnreadableRange>& ranges) {
  std::map<std::string_view, double> seconds;
  for (const v1::UnreadableRange& each : ranges) {
    seconds[UnreadableWord(each.reason())] +=
        static_cast<double>(each.range().end_ns() - each.range().begin_ns()) / 1e9;
  }
  std::string note;
  for (const auto& [word, length] : seconds) {
    note += fmt::format("{}{} {}", note.empty() ? "" : ", ", FormatSpan(length), word);
  }
  return note.empty() ? note : fmt::format("{}: cannot be read: {}", stream, note);
}

}  // namespace tidemark::cli
