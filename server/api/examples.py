"""Examples for the documentation: what each field looks like; whole documents are put together of that. Data only."""

from __future__ import annotations

from typing import Any

JOB, STORY = "cmnk8wu2q0001q3vpmqv93nmy", "cmnk9cibl0004q3vpijkqfwl4"
MEDIA = "https://films.example.com/media"
MOMENT = "2026-04-04T11:37:04.662Z"

BY_FIELD: dict[str, Any] = {
    "id": STORY,
    "jobId": JOB,
    "storyId": STORY,
    "seriesId": "cmnk7a0qx0002q3vp8s1t6u4z",
    "pollUrl": f"/api/v1/stories/jobs/{JOB}",
    "prompt": "A dragon teaches a young knight how to fly",
    "title": "The knight who flew",
    "name": "Chef Axon",
    "email": "director@example.com",
    "password": "correct horse battery staple",
    "token": "the one that reelhouse serve printed",
    "csrfToken": "mE2kYx0c8V1rJt5uQzPq",
    "role": "protagonist",
    "description": "A robot chef with a warm personality",
    "significance": "It opens the gate",
    "imageUrl": f"{MEDIA}/4h0p2s8d6k1v9x3m7q5z0a2c4e6g8i1.png",
    "videoUrl": f"{MEDIA}/7q5z0a2c4e6g8i14h0p2s8d6k1v9x3m.mp4",
    "audioUrl": f"{MEDIA}/k1v9x3m7q5z0a2c4e6g8i14h0p2s8d6.wav",
    "voiceName": "heart",
    "voice": "heart",
    "lexicon": {"Nguyen": "win"},
    "characterName": "Chef Axon",
    "narration": "In the year 2157, a kitchen wakes up.",
    "visual": "a robot chef at a glowing stove",
    "camera": "push_in",
    "timeOfDay": "night",
    "weather": "clear",
    "lighting": "moonlight",
    "beat": "opening",
    "purpose": "show the hero in their world",
    "duration": 8,
    "durationSeconds": 32.5,
    "aspectRatio": "16:9",
    "locale": "en",
    "contentType": "cinematic_story",
    "locales": ["en"],
    "logline": "A robot chef learns to taste.",
    "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "url": "https://studio.example.com/hooks",
    "type": "story.completed",
    "reason": "debit",
    "amount": -25,
    "balance": 975,
    "credits": 25,
    "licence": "Apache-2.0",
    "family": "hibari",
    "model": "hibari",
    "about": "Real small models for words and voice.",
    "attribution": "Hibari TTS",
    "notice": "",
    "profile": "cpu",
    "profiles": ["cpu"],
    "format": "cinematic_story",
    "speaker": "Chef Axon",
    "keyPrefix": "sk_live_7WH3",
    "key": "sk_live_…",
    "status": "completed",
    "progress": 100,
    "attempt": 1,
    "attempts": 3,
    "order": 0,
    "scene": 0,
    "page": 1,
    "limit": 20,
    "total": 41,
    "totalPages": 3,
    "width": 1280,
    "height": 720,
    "fps": 24,
    "frames": 192,
    "seconds": 8,
    "words": 14,
    "bytes": 94371840,
    "diskBytes": 268435456,
    "memoryGb": 1.6,
    "vramGb": 0,
    "shortSide": 720,
    "totalSeconds": 61.5,
    "stageSeconds": {"script": 30.0, "voices": 2.4, "stills": 6.0, "clips": 15.6, "segments": 19.5, "film": 2.6},
    "stageSources": {
        "script": "guess",
        "voices": "history",
        "music": "not needed",
        "stills": "history",
        "clips": "history",
        "segments": "history",
        "film": "history",
    },
    "tflop": {},
    "vramUnknown": [],
    "loads": {"hibari": 1, "sketch": 1, "camera": 1},
    "decisions": ["profile cpu, because there is no GPU"],
    "warnings": [],
    "seed": 0,
    "lastError": "answered 500",
    "startedAt": MOMENT,
    "completedAt": "2026-04-04T11:44:10.120Z",
    "createdAt": MOMENT,
    "nextAt": MOMENT,
    "scopes": ["stories:generate", "stories:read", "assets:read"],
    "revoked": True,
    "created": True,
    "queued": True,
    "ready": True,
    "installed": True,
    "commercial": True,
    "default": True,
    "deleted": True,
    "renderVideo": True,
    "database": True,
    "disk": True,
    "music": True,
}
"""A field that is not here is shown as null if it may be null, else as the first of its choices."""

WHOLE: dict[str, dict[str, Any]] = {
    "Generate": {
        "prompt": "A dragon teaches a young knight how to fly",
        "aspectRatio": "16:9",
        "renderVideo": True,
        "targetSeconds": 30,
    },
    "ShotChange": {"narration": "In the year 2157, a kitchen woke up."},
    "NewShot": {"after": "clip_4h0p2s8d6k1v9x3m7q5z", "narration": "Then the lights went out.", "visual": "darkness"},
    "UserChange": {"grant": 500},
    "NewUser": {"email": "director@example.com", "password": "correct horse battery staple"},
    "NewKey": {"name": "My integration", "scopes": ["stories:generate", "stories:read", "assets:read"]},
    "Person": {"id": "cmnk8xxnx000004lbd7siief7", "email": "director@example.com", "role": "user"},
    "Ready": {"status": "ready", "database": True, "disk": True, "worker": True},
    "Counts": {"characters": 3, "scenes": 4, "items": 6, "clips": 6},
    "SeriesCountsAnswer": {"characters": 3, "stories": 12},
    "Remade": {
        "shots": ["clip_4h0p2s8d6k1v9x3m7q5z"],
        "stages": {"voices": 0.8, "clips": 3.9, "segments": 4.8, "film": 2.6},
        "credits": 25,
    },
    "Review": {
        "passed": False,
        "checks": ["black", "frozen", "loudness", "captions", "chapters"],
        "findings": [
            {"check": "frozen", "sentence": "shot 3 stands still", "shot": 2, "at": 9.5, "measured": 4.1, "limit": 2},
        ],
        "figures": {"seconds": 30, "loudnessLufs": -16, "truePeakDbtp": -2.4},
    },
    "Queued": {"jobId": JOB, "status": "queued", "pollUrl": f"/api/v1/stories/jobs/{JOB}"},
    "PlannedModel": {
        "id": "hibari", "licence": "Apache-2.0", "about": "A small voice.", "bytes": 94371840, "ready": True,
    },
}  # fmt: skip
"""Documents that say more as a whole."""

EVENTS = (
    'event: stage\nid: 2\ndata: {"stage":"script"}\n\n'
    'event: clip\nid: 3\ndata: {"order":0}\n\n'
    'event: done\nid: 4\ndata: {"status":"completed","progress":100}\n\n'
)
SRT = "1\n00:00:00,000 --> 00:00:02,400\nIn the year 2157, a kitchen wakes up.\n"
VTT = "WEBVTT\n\n00:00.000 --> 00:02.400\nIn the year 2157, a kitchen wakes up.\n"
METRICS = 'reelhouse_jobs{status="queued"} 3.0\n'
TRANSCRIPT = "The kitchen that woke\n\nThe beginning – A kitchen\n\n[0:02] In the year 2157, a kitchen wakes up.\n"
TEXTS = {
    "text/event-stream": EVENTS, "application/x-subrip": SRT, "text/vtt": VTT, "text/plain": METRICS,
    "transcript": TRANSCRIPT,
}  # fmt: skip
"""By media type; by the name that an operation gives its own where one type has several."""

PREFIXES = {
    "CharacterAnswer": "char_", "SeriesCharacterAnswer": "char_", "CharacterImageAnswer": "char_",
    "SceneAnswer": "scene_", "ItemAnswer": "item_", "ClipAnswer": "clip_", "ShotAnswer": "clip_",
}  # fmt: skip
"""Whose ids have a prefix."""
