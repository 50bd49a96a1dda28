package main

import (
	"errors"

	"github.com/open-telemetry/opentelemetry-collector-contrib/exporter/fileexporter"
	"github.com/open-telemetry/opentelemetry-collector-contrib/extension/healthcheckextension"
	"go.opentelemetry.io/collector/connector"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/debugexporter"
	"go.opentelemetry.io/collector/exporter/otlpexporter"
	"go.opentelemetry.io/collector/exporter/otlphttpexporter"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/otelcol"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/batchprocessor"
	"go.opentelemetry.io/collector/processor/memorylimiterprocessor"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/otlpreceiver"
	"go.opentelemetry.io/collector/service/telemetry/otelconftelemetry"
)

// components are the parts of which a test's configuration may choose.
func components() (parts otelcol.Factories, err error) {
	var failed [5]error
	parts.Extensions, failed[0] = otelcol.MakeFactoryMap[extension.Factory](healthcheckextension.NewFactory())
	parts.Receivers, failed[1] = otelcol.MakeFactoryMap[receiver.Factory](otlpreceiver.NewFactory())
	parts.Processors, failed[2] = otelcol.MakeFactoryMap[processor.Factory](
		batchprocessor.NewFactory(), memorylimiterprocessor.NewFactory(),
	)
	parts.Exporters, failed[3] = otelcol.MakeFactoryMap[exporter.Factory](
		debugexporter.NewFactory(), otlpexporter.NewFactory(), otlphttpexporter.NewFactory(), fileexporter.NewFactory(),
	)
	parts.Connectors, failed[4] = otelcol.MakeFactoryMap[connector.Factory]()
	parts.Telemetry = otelconftelemetry.NewFactory()
	return parts, errors.Join(failed[:]...)
}
