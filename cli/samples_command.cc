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
#include "ingest/client/durable_file.h"

namespace tidemark::cli {
namespace {

constexpr absl::Duration kReadTimeout = absl::Minutes(30);
constexpr uint32_t kPlotColumns = 1100;

struct Options {
  std::string participant;
  std::vector<std::string> streams;
  std::string from;
  std::string to;
  std::string format = "table";
  uint64_t limit = 0;
  std::string plot;
};

SampleFormat FormatOf(const Options& options, bool json) {
  if (json || options.format == "jsonl") return SampleFormat::kJsonLines;
  return options.format == "csv" ? SampleFormat::kCsv : SampleFormat::kTable;
}

absl::Status Print(Context& context, const Api& api, const Options& options,
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
  ingest::Prepare(call, api.token(), kReadTimeout);
  const auto reader = api.signals->ReadSamples(&call, request);
  SamplePrinter printer(FormatOf(options, context.json()), options.limit);
  v1::ReadSamplesResponse response;
  absl::Status printed;
  while (printed.ok() && !printer.full() && reader->Read(&response)) {
    printed = printer.Add(response);
  }
  const bool stopped = !printed.ok() || printer.full();
  if (stopped) call.TryCancel();
  const absl::Status finished = rpc::FromGrpc(reader->Finish());
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

// The first and last instant that any of the streams covers.
absl::StatusOr<v1::TimeRange> WholeRange(const Api& api, const std::string& participant,
                                         const std::vector<v1::Stream>& streams) {
  v1::GetCoverageRequest request;
  request.set_participant_id(participant);
  TM_ASSIGN_OR_RETURN(const auto coverage,
                      api.Call(*api.signals, &v1::SignalService::Stub::GetCoverage, request));
  std::optional<v1::TimeRange> whole;
  for (const v1::StreamCoverage& known : coverage.streams()) {
    const bool wanted = std::any_of(streams.begin(), streams.end(), [&](const auto& stream) {
      return stream.stream_id() == known.stream().stream_id();
    });
    if (!wanted) continue;
    for (const v1::TimeRange& range : known.ranges()) {
      if (!whole) whole = range;
      whole->set_begin_ns(std::min(whole->begin_ns(), range.begin_ns()));
      whole->set_end_ns(std::max(whole->end_ns(), range.end_ns()));
    }
  }
  if (!whole) return absl::NotFoundError("samples: nothing on these streams has a study time");
  return *whole;
}

absl::StatusOr<PlotPanel> MakePanel(const Api& api, const std::string& participant,
                                    const v1::Stream& stream, const v1::TimeRange& range) {
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
  for (const v1::TimeRange& gap : overview.gaps()) {
    panel.gaps.push_back({gap.begin_ns(), gap.end_ns()});
  }
  return panel;
}

absl::Status Plot(Context& context, const Api& api, const Options& options,
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
    TM_ASSIGN_OR_RETURN(PlotPanel panel, MakePanel(api, participant, stream, *range));
    input.panels.push_back(std::move(panel));
  }
  TM_RETURN_IF_ERROR(ingest::WriteFileDurably(options.plot, PlotSvg(input), 0644));
  context.progress().Say(fmt::format("wrote {}", options.plot));
  return absl::OkStatus();
}

absl::Status Samples(Context& context, const Options& options) {
  TM_ASSIGN_OR_RETURN(const auto range, ParseRange(options.from, options.to));
  TM_ASSIGN_OR_RETURN(const Api* api, context.api());
  TM_ASSIGN_OR_RETURN(const std::string participant, api->ParticipantId(options.participant));
  std::vector<v1::Stream> streams;
  for (const std::string& name : options.streams) {
    TM_ASSIGN_OR_RETURN(v1::Stream stream, api->Stream(participant, name));
    streams.push_back(std::move(stream));
  }
  return options.plot.empty() ? Print(context, *api, options, participant, streams, range)
                              : Plot(context, *api, options, participant, streams, range);
}

}  // namespace

void AddSamplesCommand(Commands& commands) {
  const auto options = std::make_shared<Options>();
  CLI::App& samples =
      commands.Verb(commands.root(), "samples", "Samples as they were sent, or a picture of them",
                    [options](Context& c) { return Samples(c, *options); });
  samples.add_option("--participant", options->participant, "Id or STUDY/CODE")->required();
  samples.add_option("--stream", options->streams, "Id, NAME or DEVICE/NAME; may be repeated")
      ->required();
  samples.add_option("--from", options->from, "Study time, 2022-01-01T09:00:00Z or nanoseconds");
  samples.add_option("--to", options->to, "End of the range, exclusive; without: everything");
  samples.add_option("--format", options->format, "table, csv or jsonl")
      ->check(CLI::IsMember({"table", "csv", "jsonl"}))
      ->capture_default_str();
  samples.add_option("--limit", options->limit, "At most so many samples; 0 for all")
      ->capture_default_str();
  samples.add_option("--plot", options->plot, "Draw the range into this SVG file instead");
}

}  // namespace tidemark::cli
