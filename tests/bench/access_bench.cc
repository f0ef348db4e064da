#include "tests/bench/access_bench.h"

#include <fmt/format.h>
#include <grpcpp/test/server_context_test_spouse.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <optional>
#include <thread>

#include "absl/time/clock.h"
#include "base/db/transaction.h"
#include "base/rpc/policy.h"
#include "base/status_macros.h"
#include "store/declared_placements.h"
#include "store/envelope.h"
#include "store/reader_pool.h"
#include "store/signal_reader.h"
#include "store/sql.h"
#include "study/database_authorizer.h"
#include "study/erasure_job.h"
#include "study/erasures.h"
#include "study/fields.h"
#include "study/grants.h"
#include "study/principals.h"
#include "tests/bench/access_scene.h"
#include "tests/bench/motion_stream.h"
#include "tidemark/v1/signal.pb.h"

namespace tidemark::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr uint32_t kSamplesPerAccessChunk = 1'000;  // 6 KB
constexpr int kAccessChunksPerMessage = 16;
constexpr uint32_t kSamplesOfErased = 100;
constexpr int kErasedChunksPerMessage = 64;
constexpr char kReadMethod[] = "/tidemark.v1.SignalService/ReadSamples";

// How much of everything; at most a minute for the group when it is quick.
struct Amounts {
  size_t rounds;          // of what is not compared
  size_t quads;           // comparisons, of four turns each
  int messages_at_first;  // that are stored first, and are what is read
  int messages_per_turn;
  int calls_per_round;
  int erased_chunks;
  absl::Duration alone;  // how long others are watched before the erasure
};
constexpr Amounts kFull{9, 80, 400, 100, 50'000, 100'000, absl::Seconds(10)};
constexpr Amounts kQuick{5, 12, 100, 50, 10'000, 20'000, absl::Seconds(3)};

double SecondsSince(SteadyClock::time_point begin) {
  return std::chrono::duration<double>(SteadyClock::now() - begin).count();
}

Figure WithFloor(Figure figure, double floor, std::optional<Limit> limit = std::nullopt) {
  figure.floor = floor;
  figure.limit = std::move(limit);
  return figure;
}

std::vector<std::vector<v1::ChunkEnvelope>> MessagesOf(MotionChunks& source, int messages,
                                                       int chunks) {
  std::vector<std::vector<v1::ChunkEnvelope>> made(static_cast<size_t>(messages));
  for (auto& message : made) {
    for (int i = 0; i < chunks; ++i) message.push_back(source.Next());
  }
  return made;
}

// The walls of the database ---------------------------------------------------------------------

// One side of a comparison: ingest and reads as a role, of a wearer of its own.
struct Side {
  Wearer wearer;
  std::unique_ptr<MotionChunks> source;
  std::unique_ptr<IngestLane> lane;
  std::unique_ptr<db::Pool> pool;
  std::unique_ptr<store::StreamCatalog> catalog;
  std::unique_ptr<store::ConsentBook> consent;
  std::unique_ptr<store::ReaderPool> readers;
  std::unique_ptr<store::DeclaredPlacements> placements;
  std::unique_ptr<store::SignalReader> reader;
};

absl::StatusOr<Side> MakeSide(AccessScene& scene, const std::string& code,
                              const std::string& ingest_role, const std::string& read_role) {
  Side side;
  TM_ASSIGN_OR_RETURN(side.wearer, scene.AddWearer(code));
  side.source = std::make_unique<MotionChunks>(side.wearer.stream_id, kSamplesPerAccessChunk);
  TM_ASSIGN_OR_RETURN(side.lane, IngestLane::Start(scene, ingest_role));
  side.pool = std::make_unique<db::Pool>(
      db::PoolOptions{.dsn = scene.Dsn(read_role), .statements = {store::sql::kAllStatements}});
  side.catalog = std::make_unique<store::StreamCatalog>(side.pool.get());
  side.consent = std::make_unique<store::ConsentBook>(side.pool.get(), &Clock::Real());
  side.readers =
      std::make_unique<store::ReaderPool>(store::ReaderPoolOptions{.dsn = scene.Dsn(read_role)});
  side.placements = std::make_unique<store::DeclaredPlacements>(side.readers.get());
  side.reader = std::make_unique<store::SignalReader>(
      store::SignalReader::Parts{side.readers.get(), scene.context().keys, side.catalog.get(),
                                 side.placements.get(), side.consent.get()});
  return side;
}

absl::StatusOr<double> StoreRound(Side& side, int messages) {
  return side.lane->Store(side.wearer, MessagesOf(*side.source, messages, kAccessChunksPerMessage));
}

// Seconds to read everything that a side has.
absl::StatusOr<double> ReadRound(Side& side) {
  const auto begin = SteadyClock::now();
  TM_ASSIGN_OR_RETURN(const auto reading,
                      side.reader->OpenSamples({.participant_id = side.wearer.sender.participant_id,
                                                .stream_id = side.wearer.stream_id,
                                                .range = store::EverythingRange{},
                                                .channels = {}},
                                               absl::Now() + absl::Minutes(2)));
  size_t bytes = 0;
  const auto take = [&](const store::ReadBlock& block) {
    bytes += block.values.size();
    return absl::OkStatus();
  };
  const auto fault = [](const store::UnreadablePiece&) {
    return absl::Status(absl::InternalError("something cannot be read"));
  };
  for (bool more = true; more;) {
    TM_ASSIGN_OR_RETURN(more, reading->Next({.block = take, .unreadable = fault}));
  }
  if (bytes == 0) return absl::InternalError("nothing was read: this is no measurement");
  return SecondsSince(begin);
}

// The part of a speed that is lost: 1 - time without / time with, one for each four short turns
// with, without, without, with (the next time the other way round): what the machine drifts
// meanwhile is in both sums.
template <class Turn>
absl::StatusOr<std::vector<double>> LossesOf(Side& with, Side& without, size_t quads, Turn&& turn) {
  std::vector<double> losses;
  for (size_t i = 0; i < quads; ++i) {
    Side& outer = i % 2 == 0 ? with : without;
    Side& inner = i % 2 == 0 ? without : with;
    double outer_s = 0;
    double inner_s = 0;
    for (Side* side : {&outer, &inner, &inner, &outer}) {
      TM_ASSIGN_OR_RETURN(const double seconds, turn(*side));
      (side == &outer ? outer_s : inner_s) += seconds;
    }
    losses.push_back(i % 2 == 0 ? 1 - inner_s / outer_s : 1 - outer_s / inner_s);
  }
  return losses;
}

// Encryption ------------------------------------------------------------------------------------

// Microseconds to seal what a message of one chunk's worth of stored bytes is, per chunk.
absl::StatusOr<double> SealUs(const AccessScene& scene, const Side& side, int64_t bytes_per_chunk) {
  TM_ASSIGN_OR_RETURN(const store::DataKey key,
                      scene.context().keys->KeyForWriting(side.wearer.sender.participant_id,
                                                          side.wearer.stream_id, 20'000));
  const std::string plain(static_cast<size_t>(bytes_per_chunk) * kAccessChunksPerMessage, 'x');
  const store::EnvelopePlace place{"segment.payload", side.wearer.sender.participant_id,
                                   "0123456789abcdef"};
  constexpr int kSeals = 400;
  size_t sealed = 0;
  const auto begin = SteadyClock::now();
  for (int i = 0; i < kSeals; ++i) {
    sealed += store::SealEnvelope(key, place, store::EnvelopeCodec::kSegment, plain).size();
  }
  const double seconds = SecondsSince(begin);
  if (sealed <= plain.size()) return absl::InternalError("nothing was sealed");
  return seconds * 1e6 / kSeals / kAccessChunksPerMessage;
}

absl::StatusOr<int64_t> StoredBytesPerChunk(const AccessScene& scene, const Side& side) {
  try {
    pqxx::connection connection(scene.Dsn(kBypassRole));
    pqxx::nontransaction tx(connection);
    const std::string participant = side.wearer.sender.participant_id.ToString();
    return tx
        .exec_params1(
            "select (select sum(stored_bytes) from segment where participant_id = $1) / "
            "(select count(*) from chunk where participant_id = $1)",
            participant)[0]
        .as<int64_t>();
  } catch (const std::exception&) {
    return absl::UnavailableError("stored bytes cannot be counted");
  }
}

// Authorization ---------------------------------------------------------------------------------

class AuthorizedReader {
 public:
  AuthorizedReader(const AccessScene& scene, rpc::PolicyTable policies)
      : scene_(scene), authorizer_(scene.context(), std::move(policies)) {}

  absl::Status Enter() {
    const study::Context& context = scene_.context();
    return db::RunInTransaction(
        *context.pool, "bench", db::AccessScope::None(), absl::Now() + absl::Seconds(10),
        [&](db::Transaction& tx) {
          const int64_t now_us = study::NowUs(*context.clock);
          study::InsertPrincipal(tx, {.principal_id = principal_, .display_name = "bench"}, now_us);
          study::InsertCredential(tx, token_, study::CredentialKind::kToken, principal_, now_us);
          study::SetGrant(tx, {scene_.study_id(), principal_, v1::ROLE_RESEARCHER, {}, principal_},
                          now_us);
          return absl::OkStatus();
        });
  }

  // Microseconds of each of so many calls, all answered from the cache but one every 5 s.
  absl::StatusOr<std::vector<double>> Call(ParticipantId participant, int calls) {
    grpc::ServerContext context;
    grpc::testing::ServerContextTestSpouse spouse(&context);
    spouse.AddClientMetadata("authorization", "Bearer " + token_.ToString());
    v1::ReadSamplesRequest request;
    request.set_participant_id(participant.ToString());
    std::vector<double> latencies_us;
    for (int i = 0; i < calls; ++i) {
      const auto begin = SteadyClock::now();
      const auto caller = authorizer_.Authorize(kReadMethod, context, request);
      latencies_us.push_back(SecondsSince(begin) * 1e6);
      if (!caller.ok()) return caller.status();
    }
    return latencies_us;
  }

 private:
  const AccessScene& scene_;
  study::DatabaseAuthorizer authorizer_;
  const PrincipalId principal_ = PrincipalId::MakeV7();
  const study::Token token_ = study::Token::Make(study::TokenKind::kStaff);
};

absl::StatusOr<Figure> MeasureAuthorization(const AccessScene& scene, const Side& side,
                                            const Amounts& amounts) {
  const std::string services[] = {"tidemark.v1.SignalService"};
  TM_ASSIGN_OR_RETURN(rpc::PolicyTable policies, rpc::PolicyTable::Load(services));
  AuthorizedReader reader(scene, std::move(policies));
  TM_RETURN_IF_ERROR(reader.Enter());
  std::vector<double> p99_us;
  std::vector<double> p50_us;
  for (size_t round = 0; round < amounts.rounds; ++round) {
    TM_ASSIGN_OR_RETURN(const std::vector<double> latencies_us,
                        reader.Call(side.wearer.sender.participant_id, amounts.calls_per_round));
    p99_us.push_back(QuantileOf(latencies_us, 0.99));
    p50_us.push_back(QuantileOf(latencies_us, 0.5));
  }
  return WithFloor(MedianOf("access.authz_us", p99_us, "us", Better::kLower), 100,
                   Limit{"p50, us", QuantileOf(p50_us, 0.5)});
}

// Erasing ---------------------------------------------------------------------------------------

// Lone chunks of somebody else, one after the other, until it is told to stop.
class Neighbour {
 public:
  Neighbour(IngestLane& lane, const Wearer& wearer)
      : lane_(lane), wearer_(wearer), source_(wearer.stream_id, kSamplesPerAccessChunk) {}

  // Milliseconds of each chunk until `done`.
  absl::StatusOr<std::vector<double>> Run(absl::FunctionRef<bool()> done) {
    std::vector<double> latencies_ms;
    while (!done()) {
      auto messages = MessagesOf(source_, 1, 1);
      TM_ASSIGN_OR_RETURN(const double seconds, lane_.Store(wearer_, std::move(messages)));
      latencies_ms.push_back(seconds * 1e3);
    }
    return latencies_ms;
  }

 private:
  IngestLane& lane_;
  const Wearer wearer_;
  MotionChunks source_;
};

absl::Status AskForErasure(const AccessScene& scene, const Wearer& wearer) {
  v1::EraseParticipantRequest request;
  request.set_request_id(Uuid::MakeRandom().ToString());
  request.set_confirm_code(wearer.code);
  request.set_reason("bench");
  study::Call call;
  call.principal_id = PrincipalId::MakeV7();
  call.study_id = scene.study_id();
  call.participant_id = wearer.sender.participant_id;
  call.scope = db::AccessScope::Participant(wearer.sender.participant_id);
  call.deadline = absl::Now() + absl::Seconds(30);
  return study::Erasures(scene.context(), {}).EraseParticipant(call, request).status();
}

absl::StatusOr<std::vector<Figure>> MeasureErasure(AccessScene& scene, const Amounts& amounts) {
  TM_ASSIGN_OR_RETURN(const Wearer erased, scene.AddWearer("erased"));
  TM_ASSIGN_OR_RETURN(const Wearer other, scene.AddWearer("other"));
  TM_ASSIGN_OR_RETURN(const auto lane, IngestLane::Start(scene, "tm_ingest"));
  MotionChunks source(erased.stream_id, kSamplesOfErased);
  constexpr int kMessages = 50;
  for (int stored = 0; stored < amounts.erased_chunks;
       stored += kMessages * kErasedChunksPerMessage) {
    TM_RETURN_IF_ERROR(
        lane->Store(erased, MessagesOf(source, kMessages, kErasedChunksPerMessage)).status());
  }
  Neighbour neighbour(*lane, other);
  const absl::Time until = absl::Now() + amounts.alone;
  TM_ASSIGN_OR_RETURN(const std::vector<double> before_ms,
                      neighbour.Run([&] { return absl::Now() >= until; }));

  std::atomic<bool> done = false;
  absl::StatusOr<bool> erased_one = false;
  double erasure_s = 0;
  // From the request on, which counts what there is.
  std::thread worker([&] {
    const auto begin = SteadyClock::now();
    const absl::Status asked = AskForErasure(scene, erased);
    if (asked.ok()) {
      erased_one = study::ErasureJob(scene.context(), {}).RunOne([] { return false; });
    } else {
      erased_one = asked;
    }
    erasure_s = SecondsSince(begin);
    done = true;
  });
  const absl::StatusOr<std::vector<double>> during_ms = neighbour.Run([&] { return done.load(); });
  worker.join();
  TM_RETURN_IF_ERROR(erased_one.status());
  TM_RETURN_IF_ERROR(during_ms.status());
  if (!*erased_one) return absl::InternalError("there was no erasure to carry out");

  // Of so many chunks as were asked for: a quick run erases fewer.
  const double scale = static_cast<double>(kFull.erased_chunks) / amounts.erased_chunks;
  Figure seconds = Counted("access.erasure_s", erasure_s * scale, "s", Better::kLower);
  Figure others =
      Counted("access.erasure_others_p99",
              QuantileOf(*during_ms, 0.99) / QuantileOf(before_ms, 0.99), "ratio", Better::kLower);
  return std::vector<Figure>{
      WithFloor(std::move(seconds), 60),
      WithFloor(std::move(others), 2, Limit{"p99 before, ms", QuantileOf(before_ms, 0.99)})};
}

}  // namespace

std::string AccessMethod() {
  return fmt::format(
      "In one process with the parts of a server, over PostgreSQL with fsync. `rls_cost_` is the "
      "part of the speed\nthat row-level security takes: turns as the roles of the server (A) are "
      "mixed with turns as a role that may\ngo around it (B), in {0} comparisons of ABBA or BAAB, "
      "of which the median is given; a turn stores {1} messages\nof {2} chunks of {3} samples, or "
      "reads {6} such messages.\n`envelope_cost` is the time to seal what a "
      "chunk leaves in the database, beside the time in which ingest\nas a whole stores a chunk. "
      "`authz_us` is the 99th percentile of {4} calls that are answered from the cache.\n"
      "`erasure_s` is the erasure of a participant with {5} chunks, `erasure_others_p99` the "
      "latency of lone chunks\nof another participant meanwhile, beside that before. A quick run "
      "erases fewer chunks and scales.\n",
      kFull.quads, kFull.messages_per_turn, kAccessChunksPerMessage, kSamplesPerAccessChunk,
      kFull.calls_per_round, kFull.erased_chunks, kFull.messages_at_first);
}

absl::StatusOr<std::vector<Figure>> MeasureAccess(const AccessBenchOptions& options) {
  const Amounts& amounts = options.quick ? kQuick : kFull;
  TM_ASSIGN_OR_RETURN(const auto scene, AccessScene::Make(options.dsn, options.work));
  TM_ASSIGN_OR_RETURN(Side with, MakeSide(*scene, "with", "tm_ingest", "tm_read"));
  TM_ASSIGN_OR_RETURN(Side without, MakeSide(*scene, "without", kBypassRole, kBypassRole));
  for (Side* side : {&with, &without}) {
    TM_RETURN_IF_ERROR(StoreRound(*side, amounts.messages_at_first).status());
  }
  TM_RETURN_IF_ERROR(scene->Analyze());
  // The first comparison of each warms both.
  TM_RETURN_IF_ERROR(LossesOf(with, without, 1, &ReadRound).status());
  TM_ASSIGN_OR_RETURN(const auto read_losses, LossesOf(with, without, amounts.quads, &ReadRound));
  std::vector<double> store_s;
  const auto store = [&](Side& side) -> absl::StatusOr<double> {
    const auto seconds = StoreRound(side, amounts.messages_per_turn);
    if (seconds.ok() && &side == &with) store_s.push_back(*seconds);
    return seconds;
  };
  TM_RETURN_IF_ERROR(LossesOf(with, without, 1, store).status());
  store_s.clear();
  TM_ASSIGN_OR_RETURN(const auto ingest_losses, LossesOf(with, without, amounts.quads, store));

  TM_ASSIGN_OR_RETURN(const int64_t stored_bytes, StoredBytesPerChunk(*scene, with));
  const double chunks = amounts.messages_per_turn * kAccessChunksPerMessage;
  const double chunk_us = QuantileOf(store_s, 0.5) * 1e6 / chunks;
  std::vector<double> shares;
  for (size_t i = 0; i < amounts.rounds; ++i) {
    TM_ASSIGN_OR_RETURN(const double seal_us, SealUs(*scene, with, stored_bytes));
    shares.push_back(seal_us / chunk_us);
  }
  TM_ASSIGN_OR_RETURN(Figure authz, MeasureAuthorization(*scene, with, amounts));
  std::vector<Figure> figures = {
      WithFloor(MedianOf("access.rls_cost_ingest", ingest_losses, "ratio", Better::kLower), 0.05,
                Limit{"chunks/s with it", chunks / QuantileOf(store_s, 0.5)}),
      WithFloor(MedianOf("access.rls_cost_read", read_losses, "ratio", Better::kLower), 0.05),
      WithFloor(MedianOf("access.envelope_cost", shares, "ratio", Better::kLower), 0.1,
                Limit{"stored B/chunk", static_cast<double>(stored_bytes)}),
      std::move(authz)};
  TM_ASSIGN_OR_RETURN(std::vector<Figure> erasure, MeasureErasure(*scene, amounts));
  figures.insert(figures.end(), erasure.begin(), erasure.end());
  return figures;
}

}  // namespace tidemark::bench
