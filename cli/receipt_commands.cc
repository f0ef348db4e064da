// receipt list | verify: what a device holds against the server.
#include <fmt/format.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "base/base64.h"
#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/output.h"
#include "cli/server_keys.h"
#include "ingest/client/durable_file.h"
#include "ingest/client/ledger.h"
#include "ingest/client/receipt_policy.h"
#include "ingest/receipt_proof.h"

namespace tidemark::cli {
namespace {

namespace fs = std::filesystem;

struct ReceiptOptions {
  std::string path;
  std::string keys_file;
};

fs::path LedgerPath(const ReceiptOptions& options) {
  return fs::is_directory(options.path) ? fs::path(options.path) / "receipts.ledger"
                                        : fs::path(options.path);
}

std::string IdText(const std::string& bytes) {
  const auto id = Uuid::FromBytes(bytes);
  return id.ok() ? id->ToString() : "-";
}

// Names every damaged place. The receipts around it were shown all the same.
absl::Status DamageOf(Context& context, const ingest::LedgerContent& content) {
  if (content.damages.empty()) return absl::OkStatus();
  for (const ingest::LedgerDamage& damage : content.damages) {
    context.progress().Warn("damaged: " + ingest::Describe(damage));
  }
  return absl::DataLossError(fmt::format("the ledger is damaged in {} places; the first is {}",
                                         content.damages.size(),
                                         ingest::Describe(content.damages.front())));
}

absl::Status ListReceipts(Context& context, const ReceiptOptions& options) {
  Json all = Json::Array();
  Table table({"DECIDED", "OUTCOME", "STREAM", "NUMBER", "SHA-256", "KEY"});
  TM_ASSIGN_OR_RETURN(
      const ingest::LedgerContent content,
      ingest::Ledger::ForEach(LedgerPath(options), [&](const v1::Receipt& receipt) -> absl::Status {
        v1::ReceiptStatement statement;
        if (!statement.ParseFromString(receipt.statement())) {
          return absl::DataLossError("a receipt cannot be read");
        }
        const std::string sha256 = HexEncode(statement.sha256());
        if (context.json()) {
          all.Append(Json::Object({{"decided_at", FormatTime(statement.decided_at())},
                                   {"outcome", ingest::Describe(statement)},
                                   {"stream_id", IdText(statement.stream_id())},
                                   {"writer_id", IdText(statement.writer_id())},
                                   {"number", statement.number()},
                                   {"sha256", sha256},
                                   {"key_id", receipt.key_id()}}));
        } else {
          table.AddRow({FormatTime(statement.decided_at()), ingest::Describe(statement),
                        IdText(statement.stream_id()), std::to_string(statement.number()),
                        sha256.substr(0, 16), receipt.key_id()});
        }
        return absl::OkStatus();
      }));
  if (context.json()) {
    PrintJson(all);
  } else {
    PrintData(table.Format());
  }
  return DamageOf(context, content);
}

absl::Status VerifyReceipts(Context& context, const ReceiptOptions& options) {
  // Before a server is asked for keys that nothing needs.
  if (std::error_code error; !fs::exists(LedgerPath(options), error)) {
    return ingest::FileError("open", LedgerPath(options), ENOENT);
  }
  TM_ASSIGN_OR_RETURN(const ingest::ReceiptKeys keys, KeysFrom(context, options.keys_file));
  uint64_t good = 0;
  uint64_t bad = 0;
  const auto verify = [&](const v1::Receipt& receipt) {
    const auto statement = ingest::VerifyReceipt(receipt, keys);
    if (statement.ok()) {
      ++good;
    } else {
      context.progress().Warn(
          fmt::format("receipt {}: {}", good + bad, std::string(statement.status().message())));
      ++bad;
    }
    return absl::OkStatus();
  };
  TM_ASSIGN_OR_RETURN(const ingest::LedgerContent content,
                      ingest::Ledger::ForEach(LedgerPath(options), verify));
  if (context.json()) {
    PrintJson(Json::Object(
        {{"proven", good}, {"not_proven", bad}, {"damaged_places", content.damages.size()}}));
  } else {
    PrintData(fmt::format("{} receipts proven, {} not\n", FormatCount(good), FormatCount(bad)));
  }
  TM_RETURN_IF_ERROR(DamageOf(context, content));
  if (bad == 0) return absl::OkStatus();
  return PartialError(fmt::format("{} receipts are not what the server signed", bad));
}

}  // namespace

void AddReceiptCommands(Commands& commands) {
  const flags::Command receipt = commands.Noun("receipt", "The server's signed word on chunks");
  const auto options = std::make_shared<ReceiptOptions>();
  const flags::Command list =
      commands.Verb(receipt, "list", "What a ledger holds, oldest first",
                    [options](Context& c) { return ListReceipts(c, *options); });
  const flags::Command verify =
      commands.Verb(receipt, "verify", "Check the proof of every receipt",
                    [options](Context& c) { return VerifyReceipts(c, *options); });
  for (const flags::Command& app : {list, verify}) {
    app.AddOption("path", options->path, "Folder of a device, or its receipts.ledger").Required();
  }
  verify.AddOption("--keys", options->keys_file,
                   "Take the server's keys from this file (tidemark doctor --json) instead");
}

}  // namespace tidemark::cli
