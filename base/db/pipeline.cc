#include "base/db/pipeline.h"

#include <libpq-fe.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "base/db/conninfo.h"
#include "base/db/execution_log.h"
#include "base/db/pq_channel.h"
#include "base/db/sql_error.h"
#include "base/status_macros.h"

namespace tidemark::db {
namespace {

using internal::ErrorOf;
using internal::PqChannel;
using internal::PqResult;
using internal::Succeeded;

constexpr int kBinary = 1;
constexpr char kTransactionName[] = "pipelined transaction";

// The server ends a statement at its timeout; a little later at the latest it has said so.
constexpr int64_t kSilenceMarginMs = 5'000;

// Requests are handed to the socket in runs of this size: few system calls for small steps, and
// never more than this and one step in memory.
constexpr size_t kQueuedBytesMax = 256 * 1024;

// Cuts at semicolons, which occur in no literal of BEGIN and SET LOCAL (see RunTransaction).
std::vector<std::string> SplitCommands(std::string_view sql) {
  constexpr std::string_view kSpace = " \t\n";
  std::vector<std::string> commands;
  while (!sql.empty()) {
    const size_t end = std::min(sql.find(';'), sql.size());
    std::string_view command = sql.substr(0, end);
    sql.remove_prefix(std::min(end + 1, sql.size()));
    const size_t first = command.find_first_not_of(kSpace);
    if (first != std::string_view::npos) commands.emplace_back(command.substr(first));
  }
  return commands;
}

bool SendCommand(PGconn* connection, const char* sql) {
  return PQsendQueryParams(connection, sql, 0, nullptr, nullptr, nullptr, nullptr, 0) == 1;
}

absl::Status InDoubt() {
  constexpr std::string_view kCompletionUnknown = "40003";
  return StatusOfSqlstate(kCompletionUnknown, kTransactionName, "connection lost during commit");
}

}  // namespace

PipelineConnection::PipelineConnection(std::unique_ptr<PqChannel> channel)
    : channel_(std::move(channel)) {}

PipelineConnection::~PipelineConnection() = default;

absl::StatusOr<std::unique_ptr<PipelineConnection>> PipelineConnection::Connect(
    const Options& options) {
  if (options.statement_timeout_ms <= 0) {
    return absl::InvalidArgumentError("a statement timeout is needed to bound every wait");
  }
  TM_ASSIGN_OR_RETURN(const std::string dsn,
                      SessionDsn(options.dsn, {.application_name = options.application_name,
                                               .statement_timeout_ms = options.statement_timeout_ms,
                                               .connect_deadline = options.connect_deadline}));
  const int64_t silence_ms_max = std::min<int64_t>(options.statement_timeout_ms + kSilenceMarginMs,
                                                   std::numeric_limits<int>::max());
  auto channel =
      std::make_unique<PqChannel>(PQconnectdb(dsn.c_str()), static_cast<int>(silence_ms_max));
  if (!channel->usable()) return StatusOfSqlstate("", "connect", PQerrorMessage(channel->raw()));
  std::unique_ptr<PipelineConnection> connection(new PipelineConnection(std::move(channel)));
  for (const auto statements : options.statements) {
    for (const Statement& statement : statements) {
      TM_RETURN_IF_ERROR(connection->Prepare(statement));
    }
  }
  return connection;
}

bool PipelineConnection::healthy() const { return channel_->usable(); }

absl::Status PipelineConnection::Prepare(const Statement& statement) {
  if (PQsendPrepare(channel_->raw(), statement.name, statement.text, 0, nullptr) != 1) {
    channel_->GiveUp();
  }
  return channel_->Collect(statement.name, nullptr);
}

bool PipelineConnection::SendPrepared(const Statement& statement, const BinaryParams& params) {
  NoteExecution(statement.name);
  const size_t count = params.slots_.size();
  std::vector<const char*> values(count);
  std::vector<int> lengths(count);
  const std::vector<int> formats(count, kBinary);
  for (size_t i = 0; i < count; ++i) {
    const BinaryParams::Slot& slot = params.slots_[i];
    const bool is_null = slot.length < 0;
    values[i] = is_null ? nullptr : params.buffer_.data() + slot.offset;
    lengths[i] = is_null ? 0 : slot.length;
  }
  return PQsendQueryPrepared(channel_->raw(), statement.name, static_cast<int>(count),
                             values.data(), lengths.data(), formats.data(), kBinary) == 1;
}

absl::Status PipelineConnection::Run(std::string_view sql, const char* name) {
  if (!channel_->usable()) return PqChannel::Lost(name);
  if (PQsendQuery(channel_->raw(), std::string(sql).c_str()) != 1) channel_->GiveUp();
  return channel_->Collect(name, nullptr);
}

absl::StatusOr<BinaryResult> PipelineConnection::Execute(const Statement& statement,
                                                         const BinaryParams& params) {
  if (!channel_->usable()) return PqChannel::Lost(statement.name);
  if (!SendPrepared(statement, params)) channel_->GiveUp();
  PqResult result;
  TM_RETURN_IF_ERROR(channel_->Collect(statement.name, &result));
  return BinaryResult(result.release());
}

// The way of a transaction:
//   1. everything up to COMMIT and the sync point is sent, while replies that come are buffered
//   2. one reply per message is taken; after an error the server skips to the sync point, so COMMIT
//      takes place only if every step succeeded
//   3. pipeline mode is left, and a transaction that an error left open is rolled back
absl::StatusOr<std::vector<BinaryResult>> PipelineConnection::RunTransaction(
    std::string_view begin_sql, std::span<const Step> steps, size_t* failed_step) {
  size_t ignored = 0;
  size_t& failed = failed_step != nullptr ? *failed_step : ignored;
  failed = steps.size();
  if (!channel_->CheckUsable()) return PqChannel::Lost(kTransactionName);

  const std::vector<std::string> begin = SplitCommands(begin_sql);
  TM_RETURN_IF_ERROR(SendTransaction(begin, steps));
  std::vector<BinaryResult> results;
  results.reserve(steps.size());
  size_t failed_message = 0;
  absl::Status status = ReceiveTransaction(begin.size(), steps, &results, &failed_message);
  LeavePipeline();
  if (status.ok()) return results;
  const bool in_step =
      failed_message >= begin.size() && failed_message < begin.size() + steps.size();
  if (in_step) failed = failed_message - begin.size();
  return status;
}

// UNAVAILABLE when it ends before COMMIT was handed to the socket: then nothing has happened.
absl::Status PipelineConnection::SendTransaction(std::span<const std::string> begin,
                                                 std::span<const Step> steps) {
  PGconn* const connection = channel_->raw();
  bool sent = PQenterPipelineMode(connection) == 1;
  for (const std::string& command : begin) sent = sent && SendCommand(connection, command.c_str());
  size_t queued_bytes = 0;
  for (const Step& step : steps) {
    sent = sent && SendPrepared(*step.statement, *step.params);
    queued_bytes += step.params->bytes();
    if (queued_bytes < kQueuedBytesMax) continue;
    sent = sent && channel_->Flush();
    queued_bytes = 0;
  }
  sent = sent && SendCommand(connection, "commit");
  if (!sent) {
    channel_->GiveUp();
    return PqChannel::Lost(kTransactionName);
  }
  if (PQpipelineSync(connection) == 1) return absl::OkStatus();
  channel_->GiveUp();
  return InDoubt();
}

// One reply per message: `begin_count` commands, the steps, COMMIT; then the sync point. Returns
// the first error. An error that names its message is certain even if the connection died of it:
// COMMIT came later and was not reached. A connection that vanished without a word leaves COMMIT in
// doubt.
absl::Status PipelineConnection::ReceiveTransaction(size_t begin_count, std::span<const Step> steps,
                                                    std::vector<BinaryResult>* results,
                                                    size_t* failed_message) {
  const size_t commit = begin_count + steps.size();
  absl::Status error;
  for (size_t message = 0; message <= commit && channel_->usable(); ++message) {
    PqResult reply = channel_->Next();
    if (!reply) break;  // the connection is gone
    const bool is_step = message >= begin_count && message < commit;
    if (PQresultStatus(reply.get()) != PGRES_PIPELINE_ABORTED && error.ok()) {
      if (!Succeeded(reply.get())) {
        error = ErrorOf(reply.get(),
                        is_step ? steps[message - begin_count].statement->name : kTransactionName);
        *failed_message = message;
      } else if (is_step) {
        results->emplace_back(reply.release());
      }
    }
    while (channel_->Next()) continue;  // up to the null that ends a message
  }
  const PqResult sync = channel_->Next();
  const bool synced = sync && PQresultStatus(sync.get()) == PGRES_PIPELINE_SYNC;
  if (!synced) channel_->GiveUp();

  const bool certain =
      !SqlstateOf(error).empty() && !(ConnectionIsLost(error) && *failed_message == commit);
  if (certain) return error;
  return synced && error.ok() ? absl::OkStatus() : InDoubt();
}

void PipelineConnection::LeavePipeline() {
  if (!channel_->usable()) return;
  PGconn* const connection = channel_->raw();
  // After the sync point libpq has one more "no result" to give before it leaves the mode.
  if (channel_->Next() != nullptr || PQexitPipelineMode(connection) != 1) return channel_->GiveUp();
  if (PQtransactionStatus(connection) == PQTRANS_IDLE) return;
  if (!Run("rollback", "rollback").ok()) channel_->GiveUp();
}

absl::Status PipelineConnection::Stream(
    const Statement& statement, const BinaryParams& params,
    absl::FunctionRef<absl::Status(const BinaryResult& row)> row) {
  if (!channel_->usable()) return PqChannel::Lost(statement.name);
  if (!SendPrepared(statement, params) || PQsetSingleRowMode(channel_->raw()) != 1) {
    channel_->GiveUp();
  }
  while (PqResult result = channel_->Next()) {
    if (!Succeeded(result.get())) {
      const absl::Status error = ErrorOf(result.get(), statement.name);
      while (channel_->Next()) continue;
      return error;
    }
    if (PQresultStatus(result.get()) != PGRES_SINGLE_TUPLE) continue;  // the end of the rows
    if (absl::Status refused = row(BinaryResult(result.release())); !refused.ok()) {
      CancelAndDrain();
      return refused;
    }
  }
  return channel_->usable() ? absl::OkStatus() : PqChannel::Lost(statement.name);
}

void PipelineConnection::CancelAndDrain() {
  struct FreeCancel {
    void operator()(PGcancel* cancel) const { PQfreeCancel(cancel); }
  };
  const std::unique_ptr<PGcancel, FreeCancel> cancel(PQgetCancel(channel_->raw()));
  char error[256];
  if (!cancel || PQcancel(cancel.get(), error, sizeof error) != 1) return channel_->GiveUp();
  while (channel_->Next()) continue;
}

}  // namespace tidemark::db
