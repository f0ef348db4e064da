// samples: raw samples as text, or a picture of a range.
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/endian.h"
#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/output.h"
#include "cli/plot/plot.h"
#include "cli/sample_printer.h"
#include "cli/time_option.h"
#include "cli/unreadable_text.h"
#include "ingest/client/durable_file.h"
#include "ingest/client/stall_guard.h"

namespace tidemark::cli {
namespace {

constexpr uint32_t kPlotColumns = 1100;

struct SamplesOptions {
  std::string participant;
  std::vector<std::string> streams;
  std::string from;
  std::string to;
  std::string format = "table";
  uint64_t limit = 0;
  std::string plot;
};

SampleFormat FormatOf(const SamplesOptions& options, bool json) {
  if (json || options.format == "jsonl") return SampleFormat::kJsonLines;
  return options.format == "csv" ? SampleFormat::kCsv : SampleFormat::kTable;
}

absl::Status PrintSamples(Context& context, const Api& api, const SamplesOptions& options,
                          const std::string& participant, const std::vector<v1::Stream>& streams,
                          const std::optional<v1::TimeRange>& range) {
  v1::ReadSamplesRequest request;
  request.set_participant_id(participant);
  for (const v1::Stream& stream : streams) request.add_stream_ids(stream.stream_id());
  if (range) {
    *request.mutable_study_range() = *range;
  } else {
    request.set_everything(true);
  }
  grpc::ClientContext call;
  ingest::Prepare(call, api.token(), absl::InfiniteDuration());
  ingest::StallGuard guard(call, ingest::kReadStallTimeout);
  const auto reader = api.signals->ReadSamples(&call, request);
  SamplePrinter printer(FormatOf(options, context.json()), options.limit,
                        [&](std::string_view line) { context.progress().Warn(line); });
  v1::ReadSamplesResponse response;
  absl::Status printed;
  while (printed.ok() && !printer.full() && guard.Read(*reader, &response)) {
    printed = printer.Add(response);
  }
  const bool stopped = !printed.ok() || printer.full();
  if (stopped) call.TryCancel();
  const absl::Status finished = guard.StatusOf(rpc::FromGrpc(reader->Finish()));
  if (stopped) return printed;
  return finished;
}

std::vector<double> LoadDoubles(const std::string& bytes) {
  std::vector<double> values(bytes.size() / sizeof(double));
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = LoadLe<double>(bytes.data() + i * sizeof(double));
  }
  return values;
}

void Widen(std::optional<v1::TimeRange>& whole, const v1::TimeRange& range) {
  if (!whole) whole = range;
  whole->set_begin_ns(std::min(whole->begin_ns(), range.begin_ns()));
  whole->set_end_ns(std::max(whole->end_ns(), range.end_ns()));
}

// The first and last instant that any of the streams covers.
absl::StatusOr<v1::TimeRange> WholeRange(const Api& api, const std::string& participant,
                                         const std::vector<v1::Stream>& streams) {
  v1::GetCoverageRequest request;
  request.set_participant_id(participant);
  for (const v1::Stream& stream : streams) request.add_stream_ids(stream.stream_id());
  TM_ASSIGN_OR_RETURN(const auto coverage,
                      api.Call(*api.signals, &v1::SignalService::Stub::GetCoverage, request));
  std::optional<v1::TimeRange> whole;
  for (const v1::StreamCoverage& known : coverage.streams()) {
    for (const v1::TimeRange& range : known.ranges()) Widen(whole, range);
    for (const v1::UnreadableRange& each : known.unreadable()) Widen(whole, each.range());
  }
  if (!whole) return absl::NotFoundError("samples: nothing on these streams has a study time");
  return *whole;
}

// Gaps and what cannot be read, as one list.
std::vector<PlotRange> EmptyRanges(const v1::GetOverviewResponse& overview) {
  std::vector<PlotRange> ranges;
  for (const v1::TimeRange& gap : overview.gaps()) ranges.push_back({gap.begin_ns(), gap.end_ns()});
  for (const v1::UnreadableRange& each : overview.unreadable()) {
    ranges.push_back({each.range().begin_ns(), each.range().end_ns()});
  }
  std::sort(ranges.begin(), ranges.end(),
            [](const PlotRange& a, const PlotRange& b) { return a.begin_ns < b.begin_ns; });
  std::vector<PlotRange> merged;
  for (const PlotRange& range : ranges) {
    if (!merged.empty() && range.begin_ns <= merged.back().end_ns) {
      merged.back().end_ns = std::max(merged.back().end_ns, range.end_ns);
    } else {
      merged.push_back(range);
    }
  }
  return merged;
}

absl::StatusOr<PlotPanel> MakePanel(Context& context, const Api& api,
                                    const std::string& participant, const v1::Stream& stream,
                                    const v1::TimeRange& range) {
  v1::GetOverviewRequest request;
  request.set_participant_id(participant);
  request.set_stream_id(stream.stream_id());
  *request.mutable_study_range() = range;
  request.set_width(kPlotColumns);
  TM_ASSIGN_OR_RETURN(const auto overview,
                      api.Call(*api.signals, &v1::SignalService::Stub::GetOverview, request));
  PlotPanel panel;
  panel.title = stream.name();
  const auto& channels = stream.declaration().channels();
  if (!channels.empty()) panel.unit = channels[0].unit();
  for (const v1::OverviewChannel& channel : overview.channels()) {
    panel.series.push_back(SeriesFromColumns(channel.name(), {range.begin_ns(), range.end_ns()},
                                             LoadDoubles(channel.min()),
                                             LoadDoubles(channel.max())));
  }
  panel.gaps = EmptyRanges(overview);
  const std::string note = UnreadableNote(stream.name(), overview.unreadable());
  if (!note.empty()) context.progress().Warn(note);
  return panel;
}

absl::Status Plot(Context& context, const Api& api, const SamplesOptions& options,
                  const std::string& participant, const std::vector<v1::Stream>& streams,
                  std::optional<v1::TimeRange> range) {
  if (!range) {
    TM_ASSIGN_OR_RETURN(range, WholeRange(api, participant, streams));
  }
  PlotInput input;
  input.title = options.participant;
  input.subtitle =
      fmt::format("{} to {}", FormatTimeNs(range->begin_ns()), FormatTimeNs(range->end_ns()));
  input.range = {range->begin_ns(), range->end_ns()};
  for (const v1::Stream& stream : streams) {
    TM_ASSIGN_OR_RETURN(PlotPanel panel, MakePanel(context, api, participant, stream, *range));
    input.panels.push_back(std::move(panel));
  }
  TM_RETURN_IF_ERROR(ingest::WriteFileDurably(options.plot, PlotSvg(input), 0644));
  context.progress().Say(fmt::format("wrote {}", options.plot));
  return absl::OkStatus();
}

absl::Status Samples(Context& context, const SamplesOptions& options) {
  if (!options.plot.empty() && (options.limit > 0 || options.format != "table")) {
    return UsageError("--plot: draws all samples of the range; not with --limit or --format");
  }
  TM_ASSIGN_OR_RETURN(const auto range, ParseRange(options.from, options.to));
  TM_ASSIGN_OR_RETURN(const Api* api, context.api());
  TM_ASSIGN_OR_RETURN(const std::string participant, api->ParticipantId(options.participant));
  std::vector<v1::Stream> streams;
  for (const std::string& name : options.streams) {
    TM_ASSIGN_OR_RETURN(v1::Stream stream, api->Stream(participant, name));
    streams.push_back(std::move(stream));
  }
  return options.plot.empty() ? PrintSamples(context, *api, options, participant, streams, range)
                              : Plot(context, *api, options, participant, streams, range);
}

}  // namespace

void AddSamplesCommand(Commands& commands) {
  const auto options = std::make_shared<SamplesOptions>();
  const flags::Command samples =
      commands.Verb(commands.root(), "samples", "Samples as they were sent, or a picture of them",
                    [options](Context& c) { return Samples(c, *options); });
  samples.AddOption("--participant", options->participant, "Id or STUDY/CODE").Required();
  samples.AddOption("--stream", options->streams, "Id, NAME or DEVICE/NAME; may be repeated")
      .Required();
  samples.AddOption("--from", options->from, "Study time, 2022-01-01T09:00:00Z or nanoseconds");
  samples.AddOption("--to", options->to, "End of the range, exclusive; without: everything");
  samples.AddOption("--format", options->format, "table, csv or jsonl")
      .OneOf({"table", "csv", "jsonl"})
      .ShowDefault();
  samples.AddOption("--limit", options->limit, "At most so many samples; 0 for all").ShowDefault();
  samples.AddOption("--plot", options->plot, "Draw the whole range into this SVG file instead");
}

}  // namespace tidemark::cli
