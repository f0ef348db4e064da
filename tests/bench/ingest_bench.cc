#include "tests/bench/ingest_bench.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <random>
#include <utility>

#include "base/crypto.h"
#include "base/endian.h"
#include "base/rpc/error.h"
#include "base/status_macros.h"
#include "cli/api.h"
#include "ingest/client/durable_file.h"
#include "ingest/client/identity.h"
#include "ingest/client/session.h"
#include "tidemark/v1/chunk.pb.h"

namespace tidemark::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr size_t kChunkBytes = 16 * 1024;
constexpr size_t kChannels = 3;
constexpr uint32_t kSamplesPerChunk = kChunkBytes / (kChannels * sizeof(int16_t));
constexpr int64_t kPeriodNs = 10'000'000;
constexpr int kRounds = 9;
constexpr int kChunksPerRound = 1000;
constexpr int kChunksPerQuickRound = 200;
constexpr int kWarmUpChunks = 50;

double MsSince(SteadyClock::time_point begin) {
  return std::chrono::duration<double, std::milli>(SteadyClock::now() - begin).count();
}

double Quantile(std::vector<double> values, double q) {
  const auto at = static_cast<size_t>(q * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(at), values.end());
  return values[at];
}

// A participant with one enrolled device and one declared stream of 3 x int16 at 100 Hz.
class BenchDevice {
 public:
  static absl::StatusOr<BenchDevice> Make(const IngestBenchOptions& options);

  absl::StatusOr<std::string> SessionToken() {
    return ingest::DeviceSession(channel_, identity_, Clock::Real()).Token();
  }
  // The next chunk: motion-like values, as a message that is ready to be written.
  v1::UploadRequest NextMessage();
  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }
  std::string stream_id() const { return stream_id_.ToString(); }

 private:
  BenchDevice(std::shared_ptr<grpc::Channel> channel, ingest::Identity identity)
      : channel_(std::move(channel)), identity_(std::move(identity)) {}
  absl::Status DeclareStream();

  std::shared_ptr<grpc::Channel> channel_;
  ingest::Identity identity_;
  StreamId stream_id_ = StreamId::MakeV7();
  WriterId writer_id_ = WriterId::MakeRandom();
  BootId boot_id_ = BootId::MakeRandom();
  uint64_t next_number_ = 0;
  std::minstd_rand random_{1};
};

absl::StatusOr<BenchDevice> BenchDevice::Make(const IngestBenchOptions& options) {
  const ingest::ServerAddress address{.target = options.server, .ca_file = ""};
  TM_ASSIGN_OR_RETURN(const auto channel, ingest::Connect(address));
  TM_ASSIGN_OR_RETURN(std::string token, ingest::ReadFile(options.operator_token_file, 4096));
  token.erase(token.find_last_not_of('\n') + 1);
  const cli::Api as_operator(channel, token);
  const std::string run = Uuid::MakeV7().ToString();

  v1::CreateStudyRequest study;
  study.set_request_id(cli::NewRequestId());
  study.set_name("bench-" + run);
  TM_ASSIGN_OR_RETURN(
      const auto studied,
      as_operator.Call(*as_operator.studies, &v1::StudyService::Stub::CreateStudy, study));
  v1::CreateManagerRequest manager;
  manager.set_request_id(cli::NewRequestId());
  manager.set_study_id(studied.study().study_id());
  manager.set_display_name("bench");
  TM_ASSIGN_OR_RETURN(
      const auto managed,
      as_operator.Call(*as_operator.studies, &v1::StudyService::Stub::CreateManager, manager));
  const cli::Api as_manager(channel, managed.token());
  v1::CreateParticipantRequest participant;
  participant.set_request_id(cli::NewRequestId());
  participant.set_study_id(studied.study().study_id());
  participant.set_code("p1");
  participant.add_consented(v1::DATA_KIND_MOTION);
  participant.set_document("bench");
  participant.set_consented_from_ns(0);
  TM_ASSIGN_OR_RETURN(const auto entered,
                      as_manager.Call(*as_manager.studies,
                                      &v1::StudyService::Stub::CreateParticipant, participant));
  v1::CreateDeviceRequest device;
  device.set_request_id(cli::NewRequestId());
  device.set_participant_id(entered.participant().participant_id());
  device.set_name("watch");
  TM_ASSIGN_OR_RETURN(
      const auto made,
      as_manager.Call(*as_manager.devices, &v1::DeviceService::Stub::CreateDevice, device));
  TM_ASSIGN_OR_RETURN(auto identity,
                      ingest::Identity::Enrol(channel, address, options.work + "/" + run,
                                              made.enrolment_code().code()));
  BenchDevice bench(channel, std::move(identity));
  TM_RETURN_IF_ERROR(bench.DeclareStream());
  return bench;
}

absl::Status BenchDevice::DeclareStream() {
  v1::DeclareStreamRequest request;
  request.set_device_id(identity_.device_id().ToString());
  request.set_stream_id(stream_id());
  request.set_name("acc");
  request.set_version(1);
  v1::StreamDeclaration& declaration = *request.mutable_declaration();
  declaration.set_modality(v1::MODALITY_ACCELERATION);
  for (const char* name : {"x", "y", "z"}) {
    v1::Channel& channel = *declaration.add_channels();
    channel.set_name(name);
    channel.set_unit("m/s2");
    channel.set_type(v1::CHANNEL_TYPE_INT16);
    channel.set_scale(0.0024);
  }
  declaration.mutable_nominal_rate()->set_numerator(100);
  declaration.mutable_nominal_rate()->set_denominator(1);
  TM_ASSIGN_OR_RETURN(const std::string token, SessionToken());
  const cli::Api as_device(channel_, token);
  return as_device.Call(*as_device.devices, &v1::DeviceService::Stub::DeclareStream, request)
      .status();
}

v1::UploadRequest BenchDevice::NextMessage() {
  v1::ChunkBody body;
  body.set_version(1);
  body.set_stream_id(std::string(stream_id_.AsBytes()));
  body.set_stream_version(1);
  body.set_writer_id(std::string(writer_id_.AsBytes()));
  body.set_number(next_number_);
  body.set_boot_id(std::string(boot_id_.AsBytes()));
  v1::Samples& samples = *body.mutable_samples();
  samples.set_first_counter(next_number_ * kSamplesPerChunk);
  samples.set_count(kSamplesPerChunk);
  const auto begin_ns = static_cast<int64_t>(next_number_ * kSamplesPerChunk) * kPeriodNs;
  samples.mutable_regular()->set_first_device_ns(begin_ns);
  samples.mutable_regular()->set_last_device_ns(begin_ns + (kSamplesPerChunk - 1) * kPeriodNs);
  // A walk of small steps: about as compressible as real motion.
  std::uniform_int_distribution<int> step(-60, 60);
  for (size_t channel = 0; channel < kChannels; ++channel) {
    int value = 0;
    for (uint32_t i = 0; i < kSamplesPerChunk; ++i) {
      value = std::clamp(value + step(random_), -30'000, 30'000);
      AppendLe(*samples.mutable_values(), static_cast<int16_t>(value));
    }
  }
  ++next_number_;
  v1::UploadRequest request;
  v1::ChunkEnvelope& envelope = *request.mutable_chunks()->add_envelopes();
  *envelope.mutable_body() = body.SerializeAsString();
  envelope.set_compression(v1::COMPRESSION_NONE);
  envelope.set_uncompressed_size(static_cast<uint32_t>(envelope.body().size()));
  envelope.set_sha256(std::string(AsView(Sha256(envelope.body()))));
  return request;
}

// Sends `chunks` chunks, each after the receipt of the one before; milliseconds of each.
absl::StatusOr<std::vector<double>> LoneLatencies(
    BenchDevice& device, grpc::ClientReaderWriter<v1::UploadRequest, v1::UploadResponse>& stream,
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
    chunk_ms.push_back(Quantile(chunk_latencies_ms, quantile));
    least_ms.push_back(Quantile(least_latencies_ms, quantile));
  }
  Figure ToFigure(std::string id, double floor_ms, double goal_ms) const {
    Figure figure = MedianOf(std::move(id), chunk_ms, "ms", Better::kLower);
    figure.floor = floor_ms;
    figure.goal = goal_ms;
    figure.limit = Limit{"empty call and durable write, ms", Quantile(least_ms, 0.5)};
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
  TM_ASSIGN_OR_RETURN(BenchDevice device, BenchDevice::Make(options));
  TM_ASSIGN_OR_RETURN(DurableLog log, DurableLog::Make(options.work));
  TM_ASSIGN_OR_RETURN(const std::string token, device.SessionToken());
  const cli::Api api(device.channel(), token);
  const auto stub = v1::IngestService::NewStub(device.channel());
  grpc::ClientContext context;
  ingest::Prepare(context, token, absl::Minutes(10));
  const auto stream = stub->Upload(&context);
  v1::UploadRequest open;
  open.mutable_open()->add_stream_ids(device.stream_id());
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
