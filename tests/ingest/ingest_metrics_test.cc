#include "ingest/ingest_metrics.h"

#include <gmock/gmock.h>

namespace tidemark::ingest {
namespace {

using ::testing::HasSubstr;

TEST(IngestMetricsTest, ReceiptsAreCountedByOutcomeAndReason) {
  metrics::Registry registry;
  IngestMetrics metrics(registry);
  metrics.Count(Verdict::Stored());
  metrics.Count(Verdict::Stored());
  metrics.Count(Verdict::RetryAfter(v1::RECEIPT_REASON_OVERLOADED, 10));
  const std::string page = registry.Text();
  for (const char* line : {"tidemark_ingest_receipts_total{outcome=\"stored\"} 2\n",
                           "tidemark_ingest_receipts_total{outcome=\"refused\"} 1\n",
                           "tidemark_ingest_receipts_total{outcome=\"damaged\"} 0\n",
                           "tidemark_ingest_receipt_reasons_total{reason=\"overloaded\"} 1\n",
                           "tidemark_ingest_receipt_reasons_total{reason=\"unspecified\"} 2\n"}) {
    EXPECT_THAT(page, HasSubstr(line));
  }
}

// Of an enumeration that grew.
TEST(IngestMetricsTest, NumbersThatAreNotKnownCountAsUnspecified) {
  metrics::Registry registry;
  IngestMetrics metrics(registry);
  metrics.Count({static_cast<v1::Outcome>(1'000), v1::DEVICE_ACTION_UNSPECIFIED,
                 static_cast<v1::ReceiptReason>(-1)});
  EXPECT_EQ(metrics.receipts[0].value(), 1u);
  EXPECT_EQ(metrics.receipt_reasons[0].value(), 1u);
}

}  // namespace
}  // namespace tidemark::ingest
