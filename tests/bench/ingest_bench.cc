#include "tests/bench/ingest_bench.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <utility>

#include "base/rpc/error.h"
#include "base/status_macros.h"
#include "cli/api.h"
#include "tests/bench/fleet.h"
#include "tests/bench/motion_stream.h"
#include "tidemark/v1/chunk.pb.h"

namespace tidemark::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr size_t kChunkBytes = 16 * 1024;
constexpr uint32_t kSamplesPerChunk = kChunkBytes / (kMotionChannels * sizeof(int16_t));
constexpr int kRounds = 9;
constexpr int kChunksPerRound = 1000;
constexpr int kChunksPerQuickRound = 200;
constexpr int kWarmUpChunks = 50;

double MsSince(SteadyClock::time_point begin) {
  return std::chrono::duration<double, std::milli>(SteadyClock::now() - begin).count();
}

// The device, and the chunks of its stream as messages that are ready to be written.
class LoneDevice {
 public:
  explicit LoneDevice(FleetDevice device) : device_(std::move(device)) {}

  v1::UploadRequest NextMessage() {
    v1::UploadRequest request;
    *request.mutable_chunks()->add_envelopes() = chunks_.Next();
    return request;
  }
  const FleetDevice& device() const { return device_; }

 private:
  FleetDevice device_;
  MotionChunks chunks_{device_.stream_id, kSamplesPerChunk};
};

// Sends `chunks` chunks, each after the receipt of the one before; milliseconds of each.
absl::StatusOr<std::vector<double>> LoneLatencies(
    LoneDevice& device, grpc::ClientReaderWriter<v1::UploadRequest, v1::UploadResponse>& stream,
    int chunks) {
  std::vector<double> latencies_ms;
  for (int i = 0; i < chunks; ++i) {
    const v1::UploadRequest request = device.NextMessage();
    v1::UploadResponse response;
    const auto begin = SteadyClock::now();
    if (!stream.Write(request) || !stream.Read(&response)) {
      return rpc::FromGrpc(stream.Finish());
    }
    latencies_ms.push_back(MsSince(begin));
    v1::ReceiptStatement statement;
    if (response.receipts().statements_size() != 1 ||
        !statement.ParseFromString(response.receipts().statements(0)) ||
        statement.outcome() != v1::OUTCOME_STORED) {
      return absl::InternalError("the chunk was not stored: this is no measurement");
    }
  }
  return latencies_ms;
}

// A file of which every block exists, in which stretches are overwritten durably: what a log of a
// database costs at the least.
class DurableLog {
 public:
  static absl::StatusOr<DurableLog> Make(const std::string& folder);
  DurableLog(DurableLog&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  DurableLog& operator=(DurableLog&&) = delete;
  ~DurableLog() {
    if (fd_ >= 0) ::close(fd_);
  }

  absl::Status Append();

 private:
  static constexpr size_t kRecords = 256;
  explicit DurableLog(int fd) : fd_(fd) {}

  int fd_;
  std::string record_ = std::string(kChunkBytes, '\x5a');
  size_t next_ = 0;
};

absl::StatusOr<DurableLog> DurableLog::Make(const std::string& folder) {
  const std::string path = folder + "/durable_log";
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return absl::UnavailableError("cannot write " + path);
  ::unlink(path.c_str());
  DurableLog log(fd);
  for (size_t i = 0; i < kRecords; ++i) TM_RETURN_IF_ERROR(log.Append());
  return log;
}

absl::Status DurableLog::Append() {
  const auto at = static_cast<off_t>(next_++ % kRecords * kChunkBytes);
  if (::pwrite(fd_, record_.data(), record_.size(), at) != static_cast<ssize_t>(record_.size()) ||
      ::fdatasync(fd_) != 0) {
    return absl::UnavailableError("cannot write durably in the bench's folder");
  }
  return absl::OkStatus();
}

// What the machine takes for the same without us: an empty call on the same connection, then a
// chunk's bytes on the disk. Shows, too, whether it was idle.
absl::StatusOr<std::vector<double>> LeastLatencies(const cli::Api& api, DurableLog& log,
                                                   int calls) {
  std::vector<double> latencies_ms;
  for (int i = 0; i < calls; ++i) {
    const auto begin = SteadyClock::now();
    TM_RETURN_IF_ERROR(
        api.Call(*api.server, &v1::ServerService::Stub::GetServerInfo, v1::GetServerInfoRequest())
            .status());
    TM_RETURN_IF_ERROR(log.Append());
    latencies_ms.push_back(MsSince(begin));
  }
  return latencies_ms;
}

// One quantile of every round.
struct Rounds {
  double quantile;
  std::vector<double> chunk_ms;
  std::vector<double> least_ms;

  void Add(const std::vector<double>& chunk_latencies_ms,
           const std::vector<double>& least_latencies_ms) {
    chunk_ms.push_back(QuantileOf(chunk_latencies_ms, quantile));
    least_ms.push_back(QuantileOf(least_latencies_ms, quantile));
  }
  Figure ToFigure(std::string id, double floor_ms, double goal_ms) const {
    Figure figure = MedianOf(std::move(id), chunk_ms, "ms", Better::kLower);
    figure.floor = floor_ms;
    figure.goal = goal_ms;
    figure.limit = Limit{"empty call and durable write, ms", QuantileOf(least_ms, 0.5)};
    return figure;
  }
};

}  // namespace

std::string IngestMethod() {
  return fmt::format(
      "`tidemarkd` over PostgreSQL with fsync, both on loopback and idle otherwise. A device sends "
      "lone chunks\nof {} KiB (3 axes of int16, values of a random walk, uncompressed) on one open "
      "stream, each after the\nreceipt of the one before. A latency runs from handing over the "
      "message until its receipt was read.\nA figure is the median over {} rounds of the quantile "
      "of {} chunks; rounds take turns with those of\nthe limit: an empty call on the same "
      "connection (`GetServerInfo`), then {} KiB written and synced to the\nsame disk.\n",
      kChunkBytes / 1024, kRounds, kChunksPerRound, kChunkBytes / 1024);
}

absl::StatusOr<std::vector<Figure>> MeasureIngest(const IngestBenchOptions& options) {
  TM_ASSIGN_OR_RETURN(Fleet fleet, EnrolFleet({.server = options.server,
                                               .operator_token_file = options.operator_token_file,
                                               .work = options.work}));
  LoneDevice device(std::move(fleet.devices.front()));
  TM_ASSIGN_OR_RETURN(DurableLog log, DurableLog::Make(options.work));
  const cli::Api api(device.device().channel, device.device().token);
  const auto stub = v1::IngestService::NewStub(device.device().channel);
  grpc::ClientContext context;
  ingest::Prepare(context, device.device().token, absl::Minutes(10));
  const auto stream = stub->Upload(&context);
  v1::UploadRequest open;
  open.mutable_open()->add_stream_ids(device.device().stream_id.ToString());
  v1::UploadResponse opened;
  if (!stream->Write(open) || !stream->Read(&opened)) return rpc::FromGrpc(stream->Finish());
  TM_RETURN_IF_ERROR(LoneLatencies(device, *stream, kWarmUpChunks).status());

  const int chunks = options.quick ? kChunksPerQuickRound : kChunksPerRound;
  Rounds p50{.quantile = 0.5, .chunk_ms = {}, .least_ms = {}};
  Rounds p99{.quantile = 0.99, .chunk_ms = {}, .least_ms = {}};
  for (int round = 0; round < kRounds; ++round) {
    TM_ASSIGN_OR_RETURN(const auto chunk_ms, LoneLatencies(device, *stream, chunks));
    TM_ASSIGN_OR_RETURN(const auto least_ms, LeastLatencies(api, log, chunks));
    p50.Add(chunk_ms, least_ms);
    p99.Add(chunk_ms, least_ms);
  }
  stream->WritesDone();
  TM_RETURN_IF_ERROR(rpc::FromGrpc(stream->Finish()));
  return std::vector<Figure>{p50.ToFigure("ingest.lone_p50_ms", 2, 1),
                             p99.ToFigure("ingest.lone_p99_ms", 8, 3)};
}

}  // namespace tidemark::bench
