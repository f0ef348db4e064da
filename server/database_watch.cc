#include "server/database_watch.h"

#include <fmt/format.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <utility>

#include "base/db/transaction.h"
#include "base/status_macros.h"
#include "server/sql.h"

namespace tidemark::server {
namespace {

constexpr int64_t kFreeBytesLeast = int64_t{1} << 30;
constexpr double kDaysBad = 3;
constexpr double kDaysWeak = 14;

std::optional<int64_t> FreeBytes(const Config& config, int64_t database_bytes) {
  if (!config.database_disk.empty()) return FreeBytesAt(config.database_disk);
  if (config.database_bytes_max == 0) return std::nullopt;
  return std::max<int64_t>(0, config.database_bytes_max - database_bytes);
}

double GiB(int64_t bytes) { return static_cast<double>(bytes) / static_cast<double>(1 << 30); }

DiskFinding GoodDisk(std::string detail) { return {v1::CHECK_STATE_OK, std::move(detail)}; }
DiskFinding WeakDisk(std::string detail) { return {v1::CHECK_STATE_WARNING, std::move(detail)}; }
DiskFinding BadDisk(std::string detail) { return {v1::CHECK_STATE_FAILED, std::move(detail)}; }

}  // namespace

std::optional<int64_t> FreeBytesAt(const std::string& path) {
  struct statvfs disk {};
  if (statvfs(path.c_str(), &disk) != 0) return std::nullopt;
  return static_cast<int64_t>(disk.f_bavail) * static_cast<int64_t>(disk.f_frsize);
}

DiskFinding FindDisk(const std::optional<DatabaseWatch::Facts>& facts) {
  if (!facts) return WeakDisk("the database was not measured yet: ask again in a minute");
  if (!facts->free_bytes) {
    return WeakDisk(
        fmt::format("the database takes {:.1f} GiB and nobody watches its disk: give "
                    "--database-disk or --database-bytes-max",
                    GiB(facts->database_bytes)));
  }
  const std::string room = fmt::format("the database takes {:.1f} GiB, {:.1f} GiB are free",
                                       GiB(facts->database_bytes), GiB(*facts->free_bytes));
  if (*facts->free_bytes < kFreeBytesLeast) return BadDisk(room + ": make room");
  if (!facts->growth) {
    return GoodDisk(room + "; how long they last is known after an hour of watching");
  }
  const std::optional<double> days = DaysUntilFull(*facts->growth, *facts->free_bytes);
  if (!days) return GoodDisk(room + "; it does not grow");
  const std::string forecast = fmt::format(
      "{}; it grows by {:.2f} GiB a day, seen for {}, and is full in {:.0f} days", room,
      facts->growth->bytes_per_day / static_cast<double>(1 << 30),
      absl::FormatDuration(absl::Trunc(facts->growth->watched, absl::Minutes(1))), *days);
  if (*days < kDaysBad) return BadDisk(forecast + ": make room");
  return *days < kDaysWeak ? WeakDisk(forecast + ": plan for room") : GoodDisk(forecast);
}

absl::Status DatabaseWatch::Look(absl::Time deadline) {
  TM_ASSIGN_OR_RETURN(Facts facts,
                      db::Transact(pool_, "measure_database", db::AccessScope::None(), deadline,
                                   [](db::Transaction& tx) -> absl::StatusOr<Facts> {
                                     Facts found;
                                     const pqxx::row jobs = tx.Exec(sql::kCountJobs)[0];
                                     found.open_jobs = jobs["open"].as<int64_t>();
                                     found.oldest_job_s = jobs["oldest_s"].as<double>();
                                     found.database_bytes =
                                         tx.Exec(sql::kMeasureDatabase)[0][0].as<int64_t>();
                                     return found;
                                   }));
  facts.free_bytes = FreeBytes(config_, facts.database_bytes);
  MutexLock lock(mutex_);
  forecast_.Add(clock_.Now(), facts.database_bytes);
  facts.growth = forecast_.growth();
  facts_ = facts;
  return absl::OkStatus();
}

std::optional<DatabaseWatch::Facts> DatabaseWatch::facts() const {
  MutexLock lock(mutex_);
  return facts_;
}

}  // namespace tidemark::server
