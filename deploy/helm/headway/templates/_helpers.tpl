{{/* The beginning of the names of all objects: the release's name, with headway in it. */}}
{{- define "headway.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 40 | trimSuffix "-" }}{{ else }}{{ printf "%s-%s" (.Release.Name | trunc 32 | trimSuffix "-") .Chart.Name }}{{ end }}
{{- end }}

{{- define "headway.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/name: headway
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{/* The labels by which a component finds its pods: (list . "injector"). */}}
{{- define "headway.selector" -}}
app.kubernetes.io/name: headway
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{/* An image of headway: (list .Values .Chart.AppVersion "headway-injector"). */}}
{{- define "headway.image" -}}
{{- $image := (index . 0).image -}}
{{- printf "%s/%s:%s" $image.registry (index . 2) ($image.tag | default (index . 1)) -}}
{{- with index $image.digests (index . 2) }}@{{ . }}{{ end -}}
{{- end }}

{{/* Not empty where the chart installs objects: as a dependency it only lends its templates, unless told otherwise. */}}
{{- define "headway.installs" -}}
{{- if or .Chart.IsRoot (eq .Values.dependency "install") }}yes{{ end }}
{{- end }}

{{/* What a container of headway may do: nothing. */}}
{{- define "headway.securityContext" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{/* Settings as env entries, by name: a map of names and values. */}}
{{- define "headway.env" -}}
{{- range $name, $value := . }}
- {name: {{ $name }}, value: {{ include "headway.text" $value | quote }}}
{{- end }}
{{- end }}

{{/* A value as text. Helm reads numbers as floating-point ones, and would write 1e+06 for a million. */}}
{{- define "headway.text" -}}
{{- if and (kindIs "float64" .) (eq (floor .) .) }}{{ int64 . }}{{ else }}{{ . }}{{ end }}
{{- end }}

{{/* Who the pod is, for telemetry and the Lease. */}}
{{- define "headway.place" -}}
- {name: HEADWAY_POD_NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
- {name: HEADWAY_POD_UID, valueFrom: {fieldRef: {fieldPath: metadata.uid}}}
- {name: HEADWAY_POD_NAMESPACE, valueFrom: {fieldRef: {fieldPath: metadata.namespace}}}
- {name: HEADWAY_NODE_NAME, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}
{{- end }}

{{/* A NetworkPolicy's rule that lets scrapers read the admin port. */}}
{{- define "headway.scrapers" -}}
{{- with .Values.networkPolicy.scrapeFrom -}}
- ports: [{port: 8481, protocol: TCP}]
  from:
    {{- toYaml . | nindent 4 }}
{{- end }}
{{- end }}

{{/* NetworkPolicy's rules that let a pod resolve names and call the API server. */}}
{{- define "headway.cluster" -}}
- ports: [{port: 53, protocol: UDP}, {port: 53, protocol: TCP}]
- ports:
    {{- range .Values.networkPolicy.apiServerPorts }}
    - {port: {{ . }}, protocol: TCP}
    {{- end }}
{{- end }}

{{/* The SLO file, and the rules that headway made of it. */}}
{{- define "headway.slos" -}}
{{- .Values.slo.file | default (.Files.Get "files/slos.yaml") -}}
{{- end }}

{{- define "headway.rules" -}}
{{- if and .Values.slo.file (not .Values.slo.rules) }}
{{- fail "slo.file: the chart cannot make the rules of an SLO file: run `headway rules --slo slos.yaml > slo.rules.yaml`, and add --set-file slo.rules=slo.rules.yaml" }}
{{- end }}
{{- $rules := .Values.slo.rules | default (.Files.Get "files/slo.rules.yaml") }}
{{- if not (kindIs "slice" ($rules | fromYaml).groups) }}
{{- fail "slo.rules: there are no groups of rules: give it what `headway rules --slo slos.yaml` prints, in its default format" }}
{{- end }}
{{- $slos := include "headway.slos" . | fromYaml }}
{{- with $slos.Error }}{{ fail (printf "slo.file: %s" .) }}{{ end }}
{{- range $slos.slos }}
{{- if not (regexMatch (printf "(?m)^ *slo: [\"']?%s[\"']?$" (regexQuoteMeta .name)) $rules) }}
{{- fail (printf "slo.rules: there is no rule for the SLO %s of slo.file: make the rules anew, headway rules --slo slos.yaml > slo.rules.yaml" .name) }}
{{- end }}
{{- end }}
{{- $rules }}
{{- end }}
