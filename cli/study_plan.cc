#include "cli/study_plan.h"

#include <fmt/format.h>
#include <google/protobuf/util/json_util.h>

#include <charconv>

#include "cli/exit_code.h"
#include "cli/output.h"

namespace tidemark::cli {
namespace {

// 0 and empty stand for "not planned".
template <class Number>
std::string OrDash(Number number) {
  return number == 0 ? "-" : fmt::format("{:g}", static_cast<double>(number));
}

}  // namespace

absl::StatusOr<v1::StudyPlan> ParsePlan(const std::string& json) {
  v1::StudyPlan plan;
  const auto parsed = google::protobuf::util::JsonStringToMessage(json, &plan);
  if (parsed.ok()) return plan;
  return UsageError(fmt::format("plan: {}", std::string(parsed.message())));
}

absl::StatusOr<v1::PlannedStream> ParsePlannedStream(const std::string& text) {
  const size_t slash = text.find('/');
  const size_t equals = text.rfind('=');
  const auto wrong = [&](std::string_view rule) {
    return UsageError(fmt::format("stream: \"{}\" {}", text, rule));
  };
  if (slash == std::string::npos || equals == std::string::npos || equals < slash) {
    return wrong("is not DEVICE/NAME=HOURS");
  }
  v1::PlannedStream stream;
  stream.set_device_name(text.substr(0, slash));
  stream.set_stream_name(text.substr(slash + 1, equals - slash - 1));
  double hours = 0;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data() + equals + 1, end, hours);
  if (read.ec != std::errc() || read.ptr != end) return wrong("has hours that are no number");
  stream.set_hours_a_day(hours);
  return stream;
}

std::string DescribePlan(const v1::StudyPlan& plan) {
  Table table({"AIM", "VALUE"});
  table.AddRow({"participants", OrDash(plan.participants())});
  table.AddRow({"days", OrDash(plan.days())});
  table.AddRow({"worn hours a day", OrDash(plan.worn_hours_a_day())});
  for (const v1::PlannedStream& stream : plan.streams()) {
    table.AddRow({fmt::format("{}/{}, hours a day", stream.device_name(), stream.stream_name()),
                  OrDash(stream.hours_a_day())});
  }
  table.AddRow({"contact after days", OrDash(plan.contact_after_days())});
  table.AddRow({"time zone", plan.time_zone().empty() ? "UTC" : plan.time_zone()});
  std::string text = table.Format();
  if (!plan.contact_rules().empty()) text += "\n" + plan.contact_rules() + "\n";
  return text;
}

}  // namespace tidemark::cli
