{{/*
Templates for charts that add the sidecar to their own pods. Such a chart has this one as a dependency, and its values below the
key headway. In the template of its pod it writes:

    terminationGracePeriodSeconds: {{ include "headway.sidecar.grace" . }}
    initContainers:
      {{- include "headway.sidecar.initContainers" . | nindent 6 }}
    volumes:
      {{- include "headway.sidecar.volumes" . | nindent 6 }}

and points its application at http://127.0.0.1:8480.
*/}}

{{/* The init containers, in their order: the redirection in transparent mode, and the sidecar. */}}
{{- define "headway.sidecar.initContainers" -}}
{{- if eq .Values.headway.sidecar.mode "transparent" -}}
{{ include "headway.sidecar.redirect" . }}
{{ end -}}
{{ include "headway.sidecar.container" . }}
{{- end }}

{{/* The sidecar, as a list of one container. */}}
{{- define "headway.sidecar.container" -}}
{{- $v := .Values.headway -}}
{{- range list "HEADWAY_UPSTREAM" "HEADWAY_ADMIN_LISTEN" "HEADWAY_TRANSPARENT_LISTEN" "HEADWAY_DRAIN_TIMEOUT" "HEADWAY_SCRAPE_WAIT" }}
{{- if hasKey $v.sidecar.env . }}{{ fail (printf "headway.sidecar.env: %s has a value of its own: upstream, mode, drainTimeout or scrapeWait; HEADWAY_ADMIN_LISTEN is 0.0.0.0:8481, for probes and scrapers" .) }}{{ end }}
{{- end -}}
- name: headway
  image: {{ include "headway.image" (list .Values.headway (index .Subcharts "headway").Chart.AppVersion "headway") }}
  {{- if ne $v.image.pullPolicy "IfNotPresent" }}
  imagePullPolicy: {{ $v.image.pullPolicy }}
  {{- end }}
  restartPolicy: Always # a native sidecar: it starts before the application and stops after it
  args: [run]
  env:
    - {name: HEADWAY_UPSTREAM, value: {{ required "headway.sidecar.upstream: where does the application's traffic go? https://api.openai.com" $v.sidecar.upstream | quote }}}
    {{- if eq $v.sidecar.mode "transparent" }}
    - {name: HEADWAY_TRANSPARENT_LISTEN, value: "0.0.0.0:8482"} # IPv6 too, where the pod has it
    {{- end }}
    - {name: HEADWAY_ADMIN_LISTEN, value: "0.0.0.0:8481"} # probes and scrapers come from outside the pod
    {{- include "headway.env" (include "headway.sidecar.settings" $v.sidecar | fromYaml) | trim | nindent 4 }}
    {{- include "headway.place" . | nindent 4 }}
  ports:
    - {name: headway-admin, containerPort: 8481} # scrapers find the pod by this name: deploy/prometheus
  {{- $writes := include "headway.sidecar.writes" $v.sidecar }}
  {{- if or $v.sidecar.configMap $writes }}
  volumeMounts:
    {{- if $v.sidecar.configMap }}
    - {name: headway-config, mountPath: /etc/headway, readOnly: true} # the folder, since a mount of one file never changes
    {{- end }}
    {{- if $writes }}
    - {name: headway-data, mountPath: /var/lib/headway} # all that headway writes; the root stays read-only
    {{- end }}
  {{- end }}
  startupProbe: # the application's container waits for it
    httpGet: {path: /healthz/startup, port: 8481}
    periodSeconds: 1
    failureThreshold: 60
  readinessProbe:
    httpGet: {path: /healthz/ready, port: 8481}
    periodSeconds: 5
  livenessProbe: # a restart cuts streams, so it takes half a minute without an answer
    httpGet: {path: /healthz/live, port: 8481}
    periodSeconds: 10
    timeoutSeconds: 5
    failureThreshold: 3
  resources: # no CPU limit, because throttling would delay every token
    {{- toYaml $v.sidecar.resources | nindent 4 }}
  securityContext:
    {{- include "headway.securityContext" . | nindent 4 }}
{{- end }}

{{/* The init container of transparent mode. It redirects the pod's connections to the sidecar and ends. */}}
{{- define "headway.sidecar.redirect" -}}
- name: headway-redirect
  image: {{ include "headway.image" (list .Values.headway (index .Subcharts "headway").Chart.AppVersion "headway") }}
  # 8482 is the port of HEADWAY_TRANSPARENT_LISTEN. headway runs as user 65532, whose connections the rules let pass.
  args: [redirect, install, --to=8482, --exclude-uid=65532]
  securityContext:
    runAsNonRoot: false
    runAsUser: 0 # an added capability takes effect for root only
    allowPrivilegeEscalation: false
    readOnlyRootFilesystem: true
    capabilities: {drop: [ALL], add: [NET_ADMIN]}
    seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "headway.sidecar.volumes" -}}
{{- $v := .Values.headway.sidecar -}}
{{- if $v.configMap -}}
- name: headway-config
  configMap: {name: {{ $v.configMap }}}
{{ end }}
{{- if include "headway.sidecar.writes" $v -}}
- name: headway-data # outlives a restart of headway, and ends with the pod
  emptyDir: {sizeLimit: {{ include "headway.sidecar.dataSize" $v }}} # a capture takes 256 MiB at most
{{- end }}
{{- end }}

{{/* Not empty if the sidecar writes files. */}}
{{- define "headway.sidecar.writes" -}}
{{- if or (hasKey .env "HEADWAY_STATE_DIR") (hasKey .env "HEADWAY_CAPTURE_FILE") (hasKey .env "HEADWAY_SPOOL_DIR") }}yes{{ end }}
{{- end }}

{{/* The size of headway-data. The spool takes 256 MiB unless HEADWAY_SPOOL_MAX_BYTES says otherwise. */}}
{{- define "headway.sidecar.dataSize" -}}
{{- if .dataSize }}{{ .dataSize }}
{{- else if hasKey .env "HEADWAY_SPOOL_MAX_BYTES" }}{{ fail "headway.sidecar.dataSize: with HEADWAY_SPOOL_MAX_BYTES, say how large the volume is: 310Mi more than the spool" }}
{{- else if hasKey .env "HEADWAY_SPOOL_DIR" }}566Mi
{{- else }}300Mi
{{- end }}
{{- end }}

{{/* terminationGracePeriodSeconds: what the sidecar may take for its end, and 10 s for the application's. */}}
{{- define "headway.sidecar.grace" -}}
{{- $v := .Values.headway.sidecar -}}
{{- add (include "headway.seconds" $v.drainTimeout) (include "headway.seconds" $v.scrapeWait) 20 -}}
{{- end }}

{{/* A duration in seconds. The schema allows whole seconds, minutes and hours. */}}
{{- define "headway.seconds" -}}
{{- $n := regexFind "[0-9]+" . | int -}}
{{- if hasSuffix "h" . }}{{ mul $n 3600 }}{{ else if hasSuffix "m" . }}{{ mul $n 60 }}{{ else }}{{ $n }}{{ end }}
{{- end }}

{{/* The settings of every sidecar by name, the injector's defaults too. */}}
{{- define "headway.sidecar.settings" -}}
{{- $set := dict "HEADWAY_DRAIN_TIMEOUT" .drainTimeout -}}
{{- if ne (include "headway.seconds" .scrapeWait) "0" }}{{ $_ := set $set "HEADWAY_SCRAPE_WAIT" .scrapeWait }}{{ end -}}
{{- range $name, $value := .env }}{{ $_ := set $set $name (include "headway.text" $value) }}{{ end -}}
{{- toYaml $set -}}
{{- end }}
